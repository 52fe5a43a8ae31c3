// Loads libgenvid_engine.so, which brings libtorch: only when something must be computed.
#pragma once

#include <memory>

#include "genvid/engine.h"

namespace genvid::cli {

// host must outlive the engine. The library is never unloaded. Throws Error(kUnavailable).
std::unique_ptr<Engine> load_engine(Host& host);

}  // namespace genvid::cli
