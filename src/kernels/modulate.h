// The elementwise halves of an adaptive-norm transformer block (Peebles & Xie 2022): all in fp32,
// rounded once to the dtype of x.
#pragma once

#include "tensor/tensor.h"

namespace genvid {

// layer_norm(x) * (1 + scale) + shift over the last dimension D. x [B, L, D]; scale and shift fp32
// [B, G, D], where group g of G serves L / G consecutive tokens.
Tensor norm_modulate(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps);

// x + y * gate, gate as scale above. May reuse the memory of x, which the caller gives up.
Tensor gated_add(Tensor x, const Tensor& y, const Tensor& gate);

}  // namespace genvid
