// Prompts that take over in the middle of a clip: from times to its windows, clips or blocks.
#pragma once

#include "genvid/request.h"
#include "jobs/plan.h"

namespace genvid {

// Decides spec.prompt_changes; each time moves to the nearest border between the plan's parts.
// plan.borders must be set; those with a cut move to plan.cuts. Throws Error(kUsage): a clip of one
// part, a time behind its end, two times at one border, a cut with a model that makes none.
void decide_prompt_changes(const Request& request, const Traits& traits, Plan& plan);

}  // namespace genvid
