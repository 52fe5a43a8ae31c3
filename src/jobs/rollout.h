// How a clip longer than the model's own window is made, and what that costs.
#pragma once

#include <string>
#include <vector>

#include "families/describe.h"
#include "genvid/clip_spec.h"
#include "genvid/request.h"

namespace genvid {

struct Rollout {
  std::string name;           // as ClipSpec::rollout
  std::string reason;         // for the plan
  int64_t windows = 1;        // network windows a step (overlap), clips (continue),
                              // or windows one after the other (extend, diffusion-forcing),
                              // or blocks (causal)
  int64_t window_frames = 0;  // frames of one window at most
  int64_t given_at_end = 0;   // extend: latent frames of a picture at the end, made by no window
  bool even = false;    // continue: clips about equally long, since the last leads to a picture
  int64_t latents = 0;  // new ones made, where windows or blocks are whole; 0 = as needed
  int64_t lags = 0;     // diffusion-forcing: blocks that wait for the one before them, of all
                        // windows
  int64_t ar_step = 0;  // and how many steps
  int64_t overlap_frames = 0;  // diffusion-forcing: that windows share
  int64_t past_frames = 0;     // of the video it goes on from, those that it looks at, at most
};

// Decides spec.rollout, window_latents, overlap_latents and, where one window is all that the
// model can do, cuts spec.frames and adds a warning. spec.frames must be set.
// Throws Error(kUsage) when --rollout asks for what this checkpoint cannot do.
Rollout decide_rollout(const Request& request, const Traits& traits, ClipSpec& spec,
                       std::vector<std::string>& warnings);

// Decides spec.first_steps and first_eta; the rollout and the other settings of sampling must be.
// Who gives the noise gets what comes of that noise alone. More or fewer steps than the model's
// usual ones are so for the start too; with another sampler than its own it starts as it goes on.
void decide_start(const Request& request, const Traits& traits, ClipSpec& spec);

// Latent frames that hold so many frames: of a clip of its own, or of one that goes on from
// another.
int64_t new_latents(const Geometry& geometry, int64_t frames, bool extends);

// Passes of one window or block through the transformer for the whole clip, for one prompt. Causal
// blocks take one more than their steps, to leave their keys and values; the last needs none.
// Blocks that lag behind the one before them take as many more.
int64_t passes(const Rollout& rollout, int num_inference_steps);

// Of them those that run the negative prompt as well.
int64_t guided_passes(const Rollout& rollout, const ClipSpec& spec);

// Passes for one prompt and those for the other together, in whole windows.
double prompt_passes(const Rollout& rollout, const ClipSpec& spec);

// The costs of one window as those of the whole clip.
void scale_costs(const Rollout& rollout, const Traits& traits, const ClipSpec& spec,
                 std::vector<StageCost>& costs);

}  // namespace genvid
