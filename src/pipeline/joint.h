// The step from an earlier video to the clip that goes on from it.
#pragma once

#include "genvid/types.h"
#include "tensor/tensor.h"

namespace genvid {

// A decoder that goes on from a video has seen it through the encoder alone, which loses some of
// it: its first new frame would show that at once. What the last frame of the video has and the
// decoder's does not is laid over the first new frames, linearly less over kFrames of them.
class Joint {
 public:
  static constexpr int64_t kFrames = 12;

  Joint() = default;  // of a clip that goes on from nothing: frames stay as they are
  // shown: the video's last frame; decoded [1, 3, f, H, W] in [-1, 1], ends with what the decoder
  // makes of it. Throws Error(kUsage) when their sizes differ.
  Joint(const Image& shown, const Tensor& decoded);

  // The next frames [1, 3, f, H, W], fp32 where something is laid over them.
  Tensor operator()(const Tensor& frames);

 private:
  Tensor missing_;    // [1, 3, H, W]; undefined: nothing to lay over
  int64_t done_ = 0;  // frames
};

}  // namespace genvid
