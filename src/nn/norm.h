// Normalisation over the last dimension, computed in fp32 whatever the dtype of the input.
#pragma once

#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid {

// x / sqrt(mean(x^2) + eps) * weight; the weight is multiplied before the result is rounded to x's
// dtype. Bound to <scope>.weight [dim].
struct RmsNorm {
  Tensor weight;
  double eps;
  RmsNorm(const WeightMap& w, int64_t dim, double eps);
  Tensor operator()(const Tensor& x) const;
};

// (x - mean) / sqrt(var + eps) * weight + bias, rounded once to x's dtype. Bound to <scope>.weight
// and <scope>.bias [dim].
struct LayerNorm {
  Tensor weight, bias;
  double eps;
  LayerNorm(const WeightMap& w, int64_t dim, double eps);
  Tensor operator()(const Tensor& x) const;
};

}  // namespace genvid
