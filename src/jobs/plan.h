// A request and a model to a plan: every setting decided, on the model's grid, with what it costs.
// Needs no engine and no weights; all that can be refused early is refused here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "families/describe.h"
#include "genvid/clip_spec.h"
#include "genvid/request.h"

namespace genvid {

struct Plan {
  ClipSpec spec;
  std::string family;
  std::string title;
  int64_t latent_frames = 0;
  std::vector<StageCost> costs;
  uint64_t peak_bytes = 0;          // of the worst stage
  std::vector<std::string> warnings;
};

// Images are loaded later (media); the plan only says whether they are needed.
// Throws Error(kUsage) on values out of range, Error(kModel) on the folder.
Plan make_plan(const Request& request, const ModelFolder& model);

// Error(kMemory) with the numbers, and the largest size that would fit, when the plan exceeds what
// the machine has free.
void require_memory(const Plan& plan, uint64_t available_bytes);

}  // namespace genvid
