// The elementwise halves of an adaptive-norm transformer block (Peebles & Xie 2022): all in fp32,
// rounded once.
#pragma once

#include <optional>

#include "tensor/tensor.h"

namespace genvid {

// layer_norm(x) * (1 + scale) + shift over the last dimension D. x [B, L, D]; scale and shift fp32
// [B, G, D], where group g of G serves L / G consecutive tokens; both undefined: the norm alone.
// dtype: of the result, x's own by default.
Tensor norm_modulate(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps,
                     std::optional<at::ScalarType> dtype = {});

// x + y * gate, gate as scale above. May reuse the memory of x, which the caller gives up.
Tensor gated_add(Tensor x, const Tensor& y, const Tensor& gate);

// The same in plain tensor operations: the specification, and what other devices run.
Tensor norm_modulate_plain(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps,
                           std::optional<at::ScalarType> dtype = {});
Tensor gated_add_plain(Tensor x, const Tensor& y, const Tensor& gate);

}  // namespace genvid
