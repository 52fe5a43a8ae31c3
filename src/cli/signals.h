// SIGINT and SIGTERM ask for a stop (core/cancel.h); a second one ends the process at once.
#pragma once

namespace genvid::cli {

// A reader that went away and a file size limit become output errors instead of a silent end.
void ignore_write_signals();

// Before the engine runs; until then the signals end the program by themselves, since nothing has
// to be cleaned up.
void install_signal_handlers();
// A worker is told to stop by its supervisor, and a terminal or scheduler may tell it, too: however
// often, it ends after the step in hand.
void install_worker_signal_handlers();

}  // namespace genvid::cli
