// y = x W^T + b, bound to <scope>.weight [out, in] and <scope>.bias [out].
#pragma once

#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid {

struct Linear {
  Tensor weight, bias;
  Linear(const WeightMap& w, int64_t in, int64_t out, bool has_bias = true);
  Tensor operator()(const Tensor& x) const;
};

}  // namespace genvid
