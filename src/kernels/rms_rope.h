// Queries and keys made ready for attention in one pass: each head normalised by its root mean
// square (no learned weight), then turned by its position (Su et al. 2021).
#pragma once

#include "tensor/tensor.h"

namespace genvid {

// x [B, L, N, K], heads dense; cos, sin fp32 [L, K / 2], both undefined: no turn. split: widths of
// the groups of a head that turn by themselves, adding up to K; inside a group of 2n numbers, i and
// i + n are a pair, and the tables hold the groups' pairs one after the other. Computed in fp32,
// rounded once to x's dtype; the result is dense.
Tensor rms_rope(const Tensor& x, const Tensor& cos, const Tensor& sin, at::IntArrayRef split,
                double eps);
// The same in plain tensor operations: the specification, and what other devices run.
Tensor rms_rope_plain(const Tensor& x, const Tensor& cos, const Tensor& sin, at::IntArrayRef split,
                      double eps);

}  // namespace genvid
