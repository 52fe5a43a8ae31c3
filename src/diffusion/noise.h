// Initial latents.
#pragma once

#include <cstdint>
#include <string>

#include "tensor/tensor.h"

namespace genvid {

// fp32 CPU [1, C, T, H, W]. kind "philox": core/philox.h, element ((t*C + c)*H + h)*W + w with t
// absolute, so a longer clip starts with the same noise. kind "torch": torch.Generator("cpu") with
// manual_seed(seed + clip), as the reference pipelines draw it. clip: independent noise of the same
// seed for the clips of a chain.
Tensor initial_noise(const std::string& kind, uint64_t seed, at::IntArrayRef shape,
                     uint64_t clip = 0, int64_t first_frame = 0);

}  // namespace genvid
