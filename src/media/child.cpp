#include "media/child.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/cancel.h"
#include "genvid/error.h"

namespace genvid::media {
namespace {

using Clock = std::chrono::steady_clock;

// What the child sends: messages of a kind, a length and as many bytes. The kind is kPiece, kDone
// (the last one) or an ErrorKind with its text.
constexpr uint8_t kPiece = 0;
constexpr uint8_t kDone = 1;
struct Header {
  uint64_t bytes = 0;
  uint64_t kind = 0;
};

void send_all(int fd, const void* data, size_t bytes) {
  const auto* p = static_cast<const uint8_t*>(data);
  while (bytes > 0) {
    ssize_t n = ::write(fd, p, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) _exit(1);
    p += n;
    bytes -= static_cast<size_t>(n);
  }
}

void send_message(int fd, uint8_t kind, const void* data, size_t bytes) {
  const Header header{bytes, kind};
  send_all(fd, &header, sizeof header);
  send_all(fd, data, bytes);
}

uint64_t mapped_bytes() {
  unsigned long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lu", &pages) != 1) pages = 0;
    std::fclose(file);
  }
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void set_limit(__rlimit_resource resource, rlim_t value) {
  rlimit limit{};
  getrlimit(resource, &limit);
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY ? value : std::min(value, limit.rlim_max);
  limit.rlim_max = limit.rlim_cur;
  setrlimit(resource, &limit);
}

void apply_limits(const ChildLimits& limits) {
  if (limits.memory_bytes > 0) set_limit(RLIMIT_AS, mapped_bytes() + limits.memory_bytes);
  set_limit(RLIMIT_CPU, static_cast<rlim_t>(limits.seconds) + 1);
  set_limit(RLIMIT_CORE, 0);
  if (limits.may_open_files) return;
  set_limit(RLIMIT_FSIZE, 0);  // a pipe is not a file: the answer still goes out
  set_limit(RLIMIT_NOFILE, 0);
}

[[noreturn]] void run_child(int fd, const ChildLimits& limits,
                            const std::function<void(const Emit&)>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int signal : {SIGINT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) {
    std::signal(signal, SIG_DFL);
  }
  std::signal(SIGXFSZ, SIG_IGN);  // a log line to a file fails then, and nothing else
  apply_limits(limits);
  auto kind = static_cast<uint8_t>(ErrorKind::kUsage);
  std::string message;
  try {
    work([fd](const std::vector<uint8_t>& piece) {
      send_message(fd, kPiece, piece.data(), piece.size());
    });
    kind = kDone;
  } catch (const Error& error) {
    kind = static_cast<uint8_t>(error.kind());
    message = error.what();
  } catch (const std::bad_alloc&) {
    message = "needs more memory than is allowed for it";
  } catch (const std::exception& error) {
    message = error.what();
  }
  send_message(fd, kind, message.data(), message.size());
  _exit(0);
}

struct Child {
  pid_t pid = -1;
  int fd = -1;
  ~Child() {
    if (fd >= 0) ::close(fd);
    if (pid > 0) {
      ::kill(pid, SIGKILL);
      wait();
    }
  }
  int wait() {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    pid = -1;
    return status;
  }
};

Child start(const std::string& what, const ChildLimits& limits,
            const std::function<void(const Emit&)>& work) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw Error(ErrorKind::kOutput, what + ": cannot make a pipe: " + std::strerror(errno));
  }
  Child child;
  child.fd = ends[0];
  child.pid = fork();
  if (child.pid == 0) {
    ::close(ends[0]);
    run_child(ends[1], limits, work);
  }
  int code = errno;
  ::close(ends[1]);
  if (child.pid < 0) {
    throw Error(ErrorKind::kOutput, what + ": cannot start a process: " + std::strerror(code));
  }
  return child;
}

// What arrives from the child, with its deadline.
class Incoming {
 public:
  Incoming(int fd, const std::string& what, const ChildLimits& limits)
      : fd_(fd),
        what_(what),
        seconds_(limits.seconds),
        deadline_(Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(limits.seconds))) {}

  // False when the child closed its end first.
  bool read(void* data, size_t bytes) {
    auto* p = static_cast<uint8_t*>(data);
    while (bytes > 0) {
      wait();
      ssize_t n = ::read(fd_, p, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      p += n;
      bytes -= static_cast<size_t>(n);
    }
    return true;
  }

 private:
  void wait() const {
    pollfd ready{fd_, POLLIN, 0};
    do {
      throw_if_cancelled();
      if (Clock::now() > deadline_) {
        char text[32];
        std::snprintf(text, sizeof text, "%g s", seconds_);
        throw Error(ErrorKind::kUsage, what_ + ": not done after " + text);
      }
    } while (poll(&ready, 1, 100) <= 0);
  }

  int fd_;
  const std::string& what_;
  double seconds_;
  Clock::time_point deadline_;
};

[[noreturn]] void report_death(Child& child, const std::string& what) {
  int status = child.wait();
  std::string why =
      WIFSIGNALED(status) ? std::string("signal ") + strsignal(WTERMSIG(status)) : "it ended early";
  throw Error(ErrorKind::kUsage, what + ": its process failed (" + why + ")");
}

}  // namespace

void stream_from_child(const std::string& what, const ChildLimits& limits,
                       const std::function<void(const Emit&)>& work, const Take& take) {
  Child child = start(what, limits, work);
  Incoming incoming(child.fd, what, limits);
  for (;;) {
    Header header;
    if (!incoming.read(&header, sizeof header)) report_death(child, what);
    if (header.bytes > limits.output_bytes) {
      throw Error(ErrorKind::kUsage, what + ": the result is larger than allowed");
    }
    std::vector<uint8_t> bytes(header.bytes);
    if (!incoming.read(bytes.data(), bytes.size())) report_death(child, what);
    if (header.kind == kDone) break;
    if (header.kind != kPiece) {
      throw Error(static_cast<ErrorKind>(header.kind),
                  what + ": " + std::string(bytes.begin(), bytes.end()));
    }
    take(std::move(bytes));
  }
}

std::vector<uint8_t> run_in_child(const std::string& what, const ChildLimits& limits,
                                  const std::function<std::vector<uint8_t>()>& work) {
  std::vector<uint8_t> result;
  stream_from_child(
      what, limits, [&](const Emit& emit) { emit(work()); },
      [&](std::vector<uint8_t>&& piece) { result = std::move(piece); });
  return result;
}

}  // namespace genvid::media
