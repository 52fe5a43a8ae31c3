// Scaled dot-product attention without a mask.
#pragma once

#include "tensor/tensor.h"

namespace genvid {

// softmax(q k^T / sqrt(K)) v. q [B, L, N, K]; k, v [B, S, N, K]. Returns [B, L, N * K].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v);

}  // namespace genvid
