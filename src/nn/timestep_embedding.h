// Sinusoidal embedding of timesteps (Ho et al. 2020), cosines first.
#pragma once

#include "tensor/tensor.h"

namespace genvid {

// timesteps [n] fp32 -> [n, dim] fp32: cos(t * f_i), then sin(t * f_i), with
// f_i = 10000^(-i / (dim / 2)). dim is even; arithmetic: what angles are computed in, fp32 or fp64.
Tensor timestep_embedding(const Tensor& timesteps, int64_t dim,
                          at::ScalarType arithmetic = at::kFloat);

}  // namespace genvid
