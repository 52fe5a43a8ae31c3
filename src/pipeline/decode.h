// Latents to frames in a sink: the VAE as a stream, one latent frame at a time, so that memory does
// not grow with the length of the clip.
#pragma once

#include "core/latents_file.h"
#include "families/family.h"
#include "genvid/engine.h"
#include "genvid/frame_sink.h"
#include "pipeline/memory_ladder.h"
#include "pipeline/progress.h"

namespace genvid {

// latents [1, C, T, H, W], normalised. Non-finite frames in half precision are decoded once more in
// fp32, then Error(kNumerical). Returns whether that happened. ladder: for when memory runs out.
// The first start.context latents, and of a loop its end, are seen by the decoder first and are
// not the clip's; behind an earlier video the first frames go on from it (Joint). Calls
// sink.finish().
bool decode_to_sink(const Family& family, const LoadContext& context, const Tensor& latents,
                    const LatentsStart& start, const FrameSpec& spec, FrameSink& sink,
                    StageClock& clock, MemoryLadder& ladder);

// The end of a loop's latents, for the decoder to begin as it is there.
Tensor loop_start(const Tensor& latents);

}  // namespace genvid
