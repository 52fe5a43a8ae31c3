// Long clips from models that were trained to go on from latents of their own: window after window,
// each with the last latent frames of the one before as known history (diffusion forcing, Chen et
// al. 2024). All new frames of a window share one noise level ("extend"), or each block of them has
// its own ("diffusion-forcing"). Frames leave as they are made; nothing is held but the history.
#pragma once

#include "families/family.h"
#include "genvid/clip_spec.h"
#include "genvid/frame_sink.h"
#include "pipeline/progress.h"

namespace genvid {

struct Extended {
  bool sampled = false;  // some window was not kept by an earlier process
  bool fp32_retry = false;
};

// Every window is whole, as in training; what the last one makes too much is dropped. spec.image is
// the first latent frame's history, spec.past what the first window goes on from. Calls
// sink.finish(). A window with values that are not finite is made once more in fp32, with all that
// follow.
Extended extend_to_sink(const Family& family, const LoadContext& context, const ClipSpec& spec,
                        const FrameSpec& frames, FrameSink& sink, StageClock& clock);

}  // namespace genvid
