#include "nn/linear.h"

#include <ATen/ops/linear.h>

#include "tensor/room.h"

namespace genvid {

Linear::Linear(const WeightMap& w, int64_t in, int64_t out, bool has_bias)
    : weight(w.get("weight", {out, in})) {
  if (has_bias) bias = w.get("bias", {out});
}

Tensor Linear::operator()(const Tensor& x) const {
  // Half precision goes through oneDNN, which takes a copy of each in the order that it likes.
  if (x.device().is_cpu() && x.scalar_type() != at::kFloat) {
    const auto outputs = static_cast<uint64_t>(x.numel() / x.size(-1) * weight.size(0));
    require_room(2 * (x.nbytes() + weight.nbytes()) + outputs * sizeof(float));
  }
  return at::linear(x, weight, bias);
}

}  // namespace genvid
