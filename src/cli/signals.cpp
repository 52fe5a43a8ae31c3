#include "cli/signals.h"

#include <unistd.h>

#include <csignal>

#include "core/cancel.h"

namespace genvid::cli {
namespace {

void on_signal(int signal) {
  if (cancel_signal() != 0) _exit(128 + signal);
  request_cancel(signal);
}

}  // namespace

void install_worker_signal_handlers() {
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGUSR1, SIG_IGN);
  std::signal(SIGTERM, [](int signal) { request_cancel(signal); });
}

void ignore_write_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);  // a scheduler's warning before its time limit
}

}  // namespace genvid::cli
