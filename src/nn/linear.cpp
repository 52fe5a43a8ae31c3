#include "nn/linear.h"

#include <ATen/ops/linear.h>

namespace genvid {

Linear::Linear(const WeightMap& w, int64_t in, int64_t out, bool has_bias)
    : weight(w.get("weight", {out, in})) {
  if (has_bias) bias = w.get("bias", {out});
}

Tensor Linear::operator()(const Tensor& x) const { return at::linear(x, weight, bias); }

}  // namespace genvid
