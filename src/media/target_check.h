// Checks of the place that an output goes to, before anything is computed and again when writing
// starts.
#pragma once

#include "media/output_plan.h"

namespace genvid::media {

// Refuses what is there already (unless overwrite), folders, devices, FIFOs, a terminal.
// Throws Error(kOutput or kUsage).
void check_target(const OutputPlan& plan, bool overwrite);

// "a/b.mp4" is in "a", "b.mp4" in ".".
std::string folder_of(const std::string& path);

// Throws Error(kOutput) when the folder's disk has no room for `bytes`.
void check_free_space(const OutputPlan& plan, uint64_t bytes);

}  // namespace genvid::media
