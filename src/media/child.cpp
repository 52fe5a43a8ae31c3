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

// The first byte of what the child sends: kDone, or an ErrorKind before its message.
constexpr uint8_t kDone = 0;

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
                            const std::function<std::vector<uint8_t>()>& work) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int signal : {SIGINT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE}) {
    std::signal(signal, SIG_DFL);
  }
  std::signal(SIGXFSZ, SIG_IGN);  // a log line to a file fails then, and nothing else
  apply_limits(limits);
  uint8_t kind = kDone;
  std::string message;
  try {
    std::vector<uint8_t> result = work();
    send_all(fd, &kind, 1);
    send_all(fd, result.data(), result.size());
    _exit(0);
  } catch (const Error& error) {
    kind = static_cast<uint8_t>(error.kind());
    message = error.what();
  } catch (const std::bad_alloc&) {
    kind = static_cast<uint8_t>(ErrorKind::kUsage);
    message = "needs more memory than is allowed for it";
  } catch (const std::exception& error) {
    kind = static_cast<uint8_t>(ErrorKind::kUsage);
    message = error.what();
  }
  send_all(fd, &kind, 1);
  send_all(fd, message.data(), message.size());
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
            const std::function<std::vector<uint8_t>()>& work) {
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

std::vector<uint8_t> read_all(const Child& child, const std::string& what,
                              const ChildLimits& limits) {
  auto deadline = Clock::now() + std::chrono::duration<double>(limits.seconds);
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> chunk(1 << 16);
  for (;;) {
    throw_if_cancelled();
    if (Clock::now() > deadline) {
      char text[32];
      std::snprintf(text, sizeof text, "%g s", limits.seconds);
      throw Error(ErrorKind::kUsage, what + ": not done after " + text);
    }
    pollfd ready{child.fd, POLLIN, 0};
    if (poll(&ready, 1, 100) <= 0) continue;
    ssize_t n = ::read(child.fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return bytes;
    bytes.insert(bytes.end(), chunk.begin(), chunk.begin() + n);
    if (bytes.size() > limits.output_bytes + 1) {
      throw Error(ErrorKind::kUsage, what + ": the result is larger than allowed");
    }
  }
}

}  // namespace

std::vector<uint8_t> run_in_child(const std::string& what, const ChildLimits& limits,
                                  const std::function<std::vector<uint8_t>()>& work) {
  Child child = start(what, limits, work);
  std::vector<uint8_t> bytes = read_all(child, what, limits);
  int status = child.wait();
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || bytes.empty()) {
    std::string why = WIFSIGNALED(status) ? std::string("signal ") + strsignal(WTERMSIG(status))
                                          : "it ended early";
    throw Error(ErrorKind::kUsage, what + ": its process failed (" + why + ")");
  }
  uint8_t kind = bytes.front();
  bytes.erase(bytes.begin());
  if (kind == kDone) return bytes;
  throw Error(static_cast<ErrorKind>(kind), what + ": " + std::string(bytes.begin(), bytes.end()));
}

}  // namespace genvid::media
