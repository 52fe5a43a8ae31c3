// Scaled dot-product attention without a mask: what is not seen is not computed.
#pragma once

#include "tensor/tensor.h"

namespace genvid {

// softmax(q k^T / sqrt(K)) v. q [B, L, N, K]; k, v [B, S, N, K]. Returns [B, L, N * K].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v);

// The same where each run of `block` tokens sees itself and the runs before it, L == S.
Tensor block_causal_attention(const Tensor& q, const Tensor& k, const Tensor& v, int64_t block);

}  // namespace genvid
