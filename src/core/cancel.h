// The one cancel flag of the process. It lives in libgenvid_core.so, so that a signal seen by the
// front stops the engine.
#pragma once

namespace genvid {

void request_cancel(int signal) noexcept;  // async-signal-safe
int cancel_signal() noexcept;              // 0 = not cancelled
void clear_cancel() noexcept;              // tests and the batch runner
void throw_if_cancelled();                 // Error(kCancelled)

}  // namespace genvid
