// Long clips from models that start from a picture: clip after clip, each from the last frame of
// the one before. Memory does not grow with the length; nothing is held but the last frame.
#pragma once

#include "families/family.h"
#include "genvid/clip_spec.h"
#include "genvid/frame_sink.h"
#include "pipeline/progress.h"

namespace genvid {

// Brings the frames of a clip to the colours of the frame it starts from: per channel, mean and
// contrast of its own first frame to those of the boundary frame, by half. Both [1, 3, 1, H, W].
struct ColorMatch {
  Tensor gain, offset;  // [1, 3, 1, 1, 1]
  ColorMatch(const Tensor& own_first, const Tensor& boundary);
  Tensor operator()(const Tensor& frames) const;
};

// New noise per clip. spec.image starts the first clip, or spec.past, whose last frame it then does
// not repeat; without either that one is from text alone. spec.last_image ends the last clip.
// Clips whose latents spec.keep has are decoded from those. Calls sink.finish(). A non-finite value
// is Error(kNumerical). Returns false when nothing had to be sampled.
bool continue_to_sink(const Family& family, const LoadContext& context, const ClipSpec& spec,
                      const FrameSpec& frames, FrameSink& sink, StageClock& clock);

}  // namespace genvid
