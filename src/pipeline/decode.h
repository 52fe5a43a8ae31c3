// Latents to frames in a sink: the VAE as a stream, one latent frame at a time, so that memory does
// not grow with the length of the clip.
#pragma once

#include "families/family.h"
#include "genvid/engine.h"
#include "genvid/frame_sink.h"
#include "pipeline/memory_ladder.h"
#include "pipeline/progress.h"

namespace genvid {

// latents [1, C, T, H, W], normalised. Non-finite frames in half precision are decoded once more in
// fp32, then Error(kNumerical). Returns whether that happened. ladder: for when memory runs out.
// before: latents that the decoder sees first, whose frames are not the clip's; undefined = it
// starts anew. Calls sink.finish().
bool decode_to_sink(const Family& family, const LoadContext& context, const Tensor& latents,
                    const FrameSpec& spec, FrameSink& sink, StageClock& clock, MemoryLadder& ladder,
                    const Tensor& before = {});

// The end of a loop's latents, for the decoder to begin as it is there.
Tensor loop_start(const Tensor& latents);

}  // namespace genvid
