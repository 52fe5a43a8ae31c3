// Clips made block by block by a causal checkpoint (Self-Forcing, Huang et al. 2025; LongLive, Yang
// et al. 2025): a block is denoised in few steps while it attends to the keys and values of the
// first latent frames and the latest ones; one more pass over the finished block, at timestep 0,
// leaves its own. Frames leave as they are made: memory does not grow with the length.
#pragma once

#include "families/family.h"
#include "genvid/clip_spec.h"
#include "genvid/frame_sink.h"
#include "pipeline/progress.h"

namespace genvid {

// Every block is whole; frames beyond the clip's are dropped. spec.image is the first latent frame;
// behind spec.past the first block goes on from that video's last ones.
// Calls sink.finish(). Values that are not finite before the first frame was written: all of it
// once more in fp32, and true is returned; later ones are Error(kNumerical).
bool causal_to_sink(const Family& family, const LoadContext& context, const ClipSpec& spec,
                    const FrameSpec& frames, FrameSink& sink, StageClock& clock);

}  // namespace genvid
