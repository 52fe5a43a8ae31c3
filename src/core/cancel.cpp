#include "core/cancel.h"

#include <csignal>

#include "genvid/error.h"

namespace genvid {
namespace {
volatile std::sig_atomic_t g_signal = 0;
}

void request_cancel(int signal) noexcept { g_signal = signal; }
int cancel_signal() noexcept { return g_signal; }
void clear_cancel() noexcept { g_signal = 0; }

void throw_if_cancelled() {
  if (g_signal != 0) throw Error(ErrorKind::kCancelled, "stopped by a signal");
}

}  // namespace genvid
