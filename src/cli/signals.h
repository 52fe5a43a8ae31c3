// SIGINT and SIGTERM ask for a stop (core/cancel.h); a second one ends the process at once.
#pragma once

namespace genvid::cli {

// Also ignores SIGPIPE, so that a reader that went away is an output error and not a silent end.
void install_signal_handlers();

}  // namespace genvid::cli
