// Makes one clip of a batch with the engine, which is loaded once and kept.
#pragma once

#include <memory>

#include "jobs/batch_runner.h"

namespace genvid::cli {

// Loads the engine. host must outlive the process's use of the engine. Throws Error.
std::unique_ptr<ClipMaker> make_engine_maker(Host& host);

}  // namespace genvid::cli
