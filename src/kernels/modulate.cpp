#include "kernels/modulate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/layer_norm.h>

#include <utility>

namespace genvid {
namespace {

// [B, L, D] -> [B, G, L / G, D], so that [B, G, 1, D] broadcasts over it.
Tensor grouped(const Tensor& x, const Tensor& modulation) {
  return x.unflatten(1, {modulation.size(1), -1});
}

}  // namespace

Tensor norm_modulate(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps) {
  const int64_t d = x.size(-1);
  if (x.is_cpu() && scale.size(0) == 1 && scale.size(1) == 1) {
    // One pass: the modulation is the norm's affine part. The CPU kernel takes an fp32 weight with
    // a half-precision input and rounds once.
    return at::layer_norm(x, {d}, (scale + 1).view({d}), shift.reshape({d}), eps);
  }
  Tensor n = at::layer_norm(x.to(at::kFloat), {d}, {}, {}, eps);
  n = grouped(n, scale).mul_((scale + 1).unsqueeze(2)).add_(shift.unsqueeze(2));
  return n.flatten(1, 2).to(x.scalar_type());
}

Tensor gated_add(Tensor x, const Tensor& y, const Tensor& gate) {
  const Tensor g = gate.unsqueeze(2);
  if (x.scalar_type() == at::kFloat) {
    grouped(x, gate).addcmul_(grouped(y, gate), g);
    return x;
  }
  Tensor sum = grouped(y, gate).to(at::kFloat).mul_(g).add_(grouped(x, gate));
  return sum.flatten(1, 2).to(x.scalar_type());
}

}  // namespace genvid
