// One window of a clip by diffusion forcing: every latent frame at its own noise level, in the
// order of a schedule, behind frames that are known.
#pragma once

#include <functional>

#include "pipeline/text_to_video.h"

namespace genvid {

// Standard normal [1, C, known, H, W] for the known frames in a row of the schedule.
using KnownNoise = std::function<Tensor(int64_t row)>;

// Passes of the network for one window of so many latent frames.
int64_t forced_rows(const ClipSpec& spec, int64_t latents, int64_t known);

// What a window lies between.
struct GivenFrames {
  // So many at its beginning (whole blocks, or a picture's one), which stay as they are; the
  // network sees them at timestep spec.addnoise_condition with that much noise in it.
  int64_t known = 0;
  KnownNoise noise;
  Tensor end;  // [1, C, 1, H, W] behind it, at timestep 0; or undefined
};

// latents fp32 [1, C, T, H, W] begin with the known frames. Returns fp32 latents, from where
// spec.keep says sampling was left.
Tensor denoise_forced(ResidentDenoiser& resident, const ClipSpec& spec, const PromptPair& prompts,
                      const GivenFrames& given, Tensor latents, StageClock& clock, StepSpan span);

}  // namespace genvid
