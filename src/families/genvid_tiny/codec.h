// The codec as streams (families/family.h, VaeStream): a linear map between blocks of 4 frames of
// 16x16 pixels and latents, and on the way back a small convolutional correction that sees the
// neighbours and the latent before. Every latent is 4 frames, the first too.
#pragma once

#include <memory>

#include "families/family.h"

namespace genvid::genvid_tiny {

// Loads <model>/vae; the linear part computes in fp32, the correction in the context's vae_dtype.
std::unique_ptr<VideoVae> load_codec(const LoadContext& context);

}  // namespace genvid::genvid_tiny
