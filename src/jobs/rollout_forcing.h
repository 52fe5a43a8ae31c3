// Plans of diffusion forcing: windows of latent frames that each have a noise level of their own.
#pragma once

#include "jobs/rollout.h"

namespace genvid {

// Throws Error(kUsage) when its settings are given for a model that has none.
void check_forcing_flags(const Request& request, const Traits& traits);

// traits.forcing must be set; fills in what the engine needs. Throws Error(kUsage) when blocks or
// overlap do not fit into a window.
Rollout forcing_rollout(const Request& request, const Traits& traits, ClipSpec& spec, bool extends);

}  // namespace genvid
