// What transformers of every family check and read in the same way.
#pragma once

#include <string>

#include "tensor/tensor.h"

namespace genvid {

std::string shape_text(const Tensor& x);  // "[1, 16, 4, 8, 8]"

// timestep must be [1, T], one per latent frame. Throws Error(kUsage).
void check_timestep(const Tensor& timestep, int64_t latent_frames);

// [1, T] to [G] fp32 on the device: one value when all frames share it, else all T.
Tensor distinct_timesteps(const Tensor& timestep, at::Device device);

}  // namespace genvid
