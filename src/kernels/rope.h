// Rotary position embedding (Su et al. 2021) of interleaved pairs.
#pragma once

#include "tensor/tensor.h"

namespace genvid {

// fp64 [length, dim / 2]: position * theta^(-2i / dim). dim is even.
Tensor rope_angles(int64_t dim, int64_t length, double theta = 10000.0);

// Rotates each pair (x[2i], x[2i+1]) of x [B, L, N, K] by the angle whose cosine and sine stand in
// fp32 [L, K / 2]. Computed in fp32, rounded once to x's dtype.
Tensor apply_rope(const Tensor& x, const Tensor& cos, const Tensor& sin);

}  // namespace genvid
