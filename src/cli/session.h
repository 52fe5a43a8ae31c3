// What generate, decode and check share: the flags of a run, choosing the device, showing warnings.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/progress_view.h"
#include "genvid/engine.h"

namespace genvid::cli {

// --progress and --log-level.
struct ViewFlags {
  std::string progress = "auto";
  std::string log_level = "warn";

  void add(CLI::App& app);
  ProgressMode apply() const;  // sets the log level; throws Error(kUsage)
};

void warn(const std::string& message);  // "genvid: warning: ..." on stderr

// A clear Error(kUnavailable) before anything is loaded, when the flag names a GPU and there is no
// driver.
void require_driver(const std::string& device);

// The device that a spec says, checked against what the engine found; an automatic choice falls
// back to "cpu". Throws Error(kUnavailable).
std::string available_device(Engine& engine, const std::string& device, bool automatic);

}  // namespace genvid::cli
