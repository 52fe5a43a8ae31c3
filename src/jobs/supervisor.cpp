#include "jobs/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <thread>

#include "core/cancel.h"
#include "core/log.h"
#include "jobs/worker_lines.h"

namespace genvid {
namespace {

using Clock = BatchQueue::Clock;

constexpr int kMostIdleDeaths = 3;  // of workers in a row that made nothing
constexpr std::chrono::seconds kStopPatience{
    110};  // for a step to end; schedulers give two minutes

struct Worker {
  int number = 0;
  pid_t pid = -1;
  int to = -1;
  int from = -1;
  LineReader reader;
  bool ready = false;
  bool silenced = false;
  std::optional<size_t> clip;
  Clock::time_point heard;
};

[[noreturn]] void fail(const char* action) {
  throw Error(ErrorKind::kUnavailable, std::string("cannot ") + action + " for a worker: " +
                                           std::generic_category().message(errno));
}

// In the child of fork(), so only calls that are safe there.
[[noreturn]] void become_worker(int in, int out, char* const* argv, char* const* envp) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no worker outlives its supervisor
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::execve(argv[0], argv, envp);
  ::_exit(127);
}

std::string death_of(int status) {
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "ended with code " + std::to_string(WEXITSTATUS(status));
}

class Supervisor {
 public:
  Supervisor(const BatchContext& context, const SupervisorOptions& options)
      : context_(context), options_(options), run_(context) {}
  ~Supervisor() { stop_all(SIGKILL); }

  void run() {
    while (true) {
      if (cancel_signal() != 0) {
        stop_all(SIGTERM);
        throw_if_cancelled();
      }
      hand_out();
      if (!any_busy() && !context_.queue->wait(Clock::now())) break;
      listen();
      kill_silent();
    }
    stop_all(0);
  }

 private:
  bool any_busy() const {
    return std::any_of(workers_.begin(), workers_.end(), [](const auto& w) { return !!w->clip; });
  }

  // Clips that could start now, or soon, and workers to start them.
  void hand_out() {
    for (auto& worker : workers_) {
      if (!worker->ready || worker->clip) continue;
      const auto clip = run_.start();
      if (!clip) return;
      worker->clip = clip;
      worker->heard = Clock::now();
      write_line(worker->to, task_json(run_.task(*clip)));  // else: EOF
    }
    const auto wait = context_.queue->wait(Clock::now());
    const bool starting =
        std::any_of(workers_.begin(), workers_.end(), [](const auto& w) { return !w->ready; });
    if (wait && wait->count() == 0 && !starting &&
        static_cast<int>(workers_.size()) < options_.workers) {
      spawn();
    }
  }

  void spawn() {
    int down[2];
    int up[2];
    if (::pipe2(down, O_CLOEXEC) != 0) fail("make a pipe");
    if (::pipe2(up, O_CLOEXEC) != 0) {
      ::close(down[0]);
      ::close(down[1]);
      fail("make a pipe");
    }
    auto worker = std::make_unique<Worker>();
    while (std::any_of(workers_.begin(), workers_.end(),
                       [&](const auto& w) { return w->number == worker->number; })) {
      ++worker->number;
    }
    std::vector<std::string> words = options_.command;
    std::vector<std::string> variables = environment(worker->number);
    const auto pointers = [](std::vector<std::string>& texts) {
      std::vector<char*> list;
      for (std::string& text : texts) list.push_back(text.data());
      list.push_back(nullptr);
      return list;
    };
    const std::vector<char*> argv = pointers(words);
    const std::vector<char*> envp = pointers(variables);
    worker->pid = ::fork();
    if (worker->pid == 0) become_worker(down[0], up[1], argv.data(), envp.data());
    ::close(down[0]);
    ::close(up[1]);
    worker->to = down[1];
    worker->from = up[0];
    if (worker->pid < 0) {
      ::close(worker->to);
      ::close(worker->from);
      fail("start a process");
    }
    worker->heard = Clock::now();
    workers_.push_back(std::move(worker));
  }

  std::vector<std::string> environment(int number) const {
    std::vector<std::string> variables;
    const bool pick = options_.gpus > 0 && ::getenv("CUDA_VISIBLE_DEVICES") == nullptr;
    for (char** v = environ; *v != nullptr; ++v) variables.emplace_back(*v);
    if (pick) {
      variables.push_back("CUDA_VISIBLE_DEVICES=" + std::to_string(number % options_.gpus));
    }
    return variables;
  }

  void listen() {
    std::vector<pollfd> fds;
    for (const auto& worker : workers_) fds.push_back({worker->from, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), 100) <= 0) return;
    for (size_t i = fds.size(); i-- > 0;) {
      if (fds[i].revents == 0) continue;
      std::vector<std::string> lines;
      const bool open = workers_[i]->reader.read(workers_[i]->from, lines);
      for (const std::string& line : lines) hear(*workers_[i], line);
      if (!open) bury(i);
    }
  }

  void hear(Worker& worker, const std::string& line) {
    const Json json = parse_json(line, "a worker's line", ErrorKind::kUnavailable);
    const JsonObject object(json, "a worker's line", ErrorKind::kUnavailable);
    const std::string event = object.string("event", "");
    worker.heard = Clock::now();
    if (event == "ready") worker.ready = true;
    if (event == "fatal") {
      const auto code = object.integer("code", 7, 1, 255);
      throw Error(static_cast<ErrorKind>(code), object.string("message", "a worker gave up"));
    }
    if (event == "progress" && worker.clip && options_.progress) {
      options_.progress(*worker.clip,
                        {object.string("stage", ""), object.integer("done", 0, 0, INT64_MAX),
                         object.integer("total", 0, 0, INT64_MAX)});
    }
    if (event == "result" && worker.clip && json.contains("outcome")) {
      const size_t clip = *worker.clip;
      worker.clip.reset();
      idle_deaths_ = 0;
      run_.end(clip, outcome_from_json(json["outcome"]));
    }
  }

  // A worker that is gone. Its clip, if any, has not been reported.
  void bury(size_t index) {
    const std::unique_ptr<Worker> worker = std::move(workers_[index]);
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
    ::close(worker->to);
    ::close(worker->from);
    int status = 0;
    while (::waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (cancel_signal() != 0) return;  // the signal went to the whole group
    if (!worker->clip) {
      if (++idle_deaths_ < kMostIdleDeaths) return;
      throw Error(ErrorKind::kUnavailable, "workers do not start: the last one " +
                                               death_of(status) +
                                               "; try without --workers to see why");
    }
    ClipOutcome outcome;
    outcome.end = ClipOutcome::End::kCrashed;
    outcome.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    outcome.error = worker->silenced ? "the worker fell silent and was ended"
                                     : "the worker " + death_of(status);
    run_.end(*worker->clip, outcome);
  }

  void kill_silent() {
    const auto now = Clock::now();
    for (auto& worker : workers_) {
      if (worker->silenced || now - worker->heard < options_.silence) continue;
      if (!worker->clip && worker->ready) continue;  // nothing to say
      worker->silenced = true;
      ::kill(worker->pid, SIGKILL);
    }
  }

  // signal 0: by the end of their input alone.
  void stop_all(int signal) {
    for (auto& worker : workers_) {
      ::close(worker->to);
      if (signal != 0) ::kill(worker->pid, signal);
    }
    const auto end = Clock::now() + kStopPatience;
    for (auto& worker : workers_) {
      int status = 0;
      while (::waitpid(worker->pid, &status, WNOHANG) == 0) {
        if (Clock::now() > end) ::kill(worker->pid, SIGKILL);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      ::close(worker->from);
    }
    workers_.clear();
  }

  BatchContext context_;
  const SupervisorOptions& options_;
  BatchRun run_;
  std::vector<std::unique_ptr<Worker>> workers_;
  int idle_deaths_ = 0;
};

class LineHost : public Host {
 public:
  explicit LineHost(int out) : out_(out) {}
  void progress(const ProgressEvent& event) override {
    send({{"event", "progress"},
          {"stage", event.stage},
          {"done", event.done},
          {"total", event.total}});
  }
  void send(const Json& json) {
    const std::lock_guard lock(mutex_);
    if (!write_line(out_, json)) request_cancel(SIGTERM);  // the supervisor is gone
  }

 private:
  int out_;
  std::mutex mutex_;
};

}  // namespace

void run_supervised(const BatchContext& context, const SupervisorOptions& options) {
  Supervisor(context, options).run();
}

void serve_worker(int in, int out,
                  const std::function<std::unique_ptr<ClipMaker>(Host& host)>& make_maker) {
  static LineHost* host = nullptr;  // the engine's: never destroyed
  host = new LineHost(out);
  std::unique_ptr<ClipMaker> maker;
  try {
    maker = make_maker(*host);
  } catch (const Error& e) {
    host->send({{"event", "fatal"}, {"code", e.exit_code()}, {"message", e.what()}});
    throw;
  }
  host->send({{"event", "ready"}});
  LineReader reader;
  std::vector<std::string> lines;
  while (reader.read(in, lines)) {
    for (const std::string& line : lines) {
      const ClipOutcome outcome = outcome_of([&] {
        return maker->make(task_from_json(parse_json(line, "a task", ErrorKind::kUsage)));
      });
      host->send({{"event", "result"}, {"outcome", outcome_json(outcome)}});
    }
    lines.clear();
  }
}

}  // namespace genvid
