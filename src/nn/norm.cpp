#include "nn/norm.h"

#include <ATen/ops/layer_norm.h>
#include <ATen/ops/rms_norm.h>

namespace genvid {

RmsNorm::RmsNorm(const WeightMap& w, int64_t dim, double eps_)
    : weight(w.get("weight", {dim})), eps(eps_) {}

Tensor RmsNorm::operator()(const Tensor& x) const {
  return at::rms_norm(x, weight.sizes(), weight, eps);
}

LayerNorm::LayerNorm(const WeightMap& w, int64_t dim, double eps_)
    : weight(w.get("weight", {dim})), bias(w.get("bias", {dim})), eps(eps_) {}

Tensor LayerNorm::operator()(const Tensor& x) const {
  return at::layer_norm(x.to(at::kFloat), weight.sizes(), weight.to(at::kFloat),
                        bias.to(at::kFloat), eps)
      .to(x.scalar_type());
}

}  // namespace genvid
