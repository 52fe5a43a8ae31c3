#include "kernels/rope.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/pow.h>

namespace genvid {

Tensor rope_angles(int64_t dim, int64_t length, double theta) {
  const Tensor exponent = at::arange(0, dim, 2, at::kDouble) / static_cast<double>(dim);
  const Tensor frequency = at::pow(at::Scalar(theta), exponent).reciprocal();
  return at::arange(length, at::kDouble).unsqueeze(1) * frequency.unsqueeze(0);
}

Tensor apply_rope(const Tensor& x, const Tensor& cos, const Tensor& sin) {
  const Tensor pairs = x.unflatten(-1, {-1, 2});  // [B, L, N, K / 2, 2]
  const Tensor a = pairs.select(-1, 0);
  const Tensor b = pairs.select(-1, 1);
  const Tensor c = cos.unsqueeze(1);  // [L, 1, K / 2]
  const Tensor s = sin.unsqueeze(1);
  Tensor out = at::empty_like(x, x.options(), at::MemoryFormat::Contiguous);
  Tensor out_pairs = out.unflatten(-1, {-1, 2});
  out_pairs.select(-1, 0).copy_(a * c - b * s);
  out_pairs.select(-1, 1).copy_(a * s + b * c);
  return out;
}

}  // namespace genvid
