// The video that a clip goes on from (spec.past), as the networks see it.
#pragma once

#include "families/family.h"
#include "genvid/clip_spec.h"

namespace genvid {

// fp32 [1, 3, H, W] in [-1, 1] on the CPU.
Tensor image_frame(const Image& image);

// The latest `count` frames, fp32 [1, 3, count, H, W] in [-1, 1] on the CPU. Where there are fewer,
// the first stands still before them.
Tensor past_frames(const ClipSpec& spec, int64_t count);

// The latest frames as `latents` latent frames, the first of which is a clip's first.
Tensor past_latents(VideoVae& vae, const LoadContext& context, const ClipSpec& spec,
                    const Geometry& geometry, int64_t latents);

// New latent frames that hold spec.frames.
int64_t latents_to_make(const ClipSpec& spec, const Geometry& geometry);

}  // namespace genvid
