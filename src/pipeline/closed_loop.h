// The last step of a loop that was led back to its first latent frame.
#pragma once

#include "tensor/tensor.h"

namespace genvid {

// From the last latent frame to the first it may be further than from one to the next. In each
// place, what of that step is longer than the clip's usual one there (the median of the norms over
// the channels) is spread over the clip's last latent frames, 12 at most and half of it: what
// moves goes on to move as ever. latents fp32 [1, C, T, H, W], returned changed; of fewer than four
// as they are.
Tensor closed_loop(const Tensor& latents);

}  // namespace genvid
