#include "nn/timestep_embedding.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>

#include <cmath>

namespace genvid {

Tensor timestep_embedding(const Tensor& timesteps, int64_t dim, at::ScalarType arithmetic) {
  const int64_t half = dim / 2;
  const Tensor i = at::arange(half, timesteps.options().dtype(arithmetic));
  const Tensor frequency = (i * -std::log(10000.0) / static_cast<double>(half)).exp();
  const Tensor angle = timesteps.to(arithmetic).unsqueeze(1) * frequency.unsqueeze(0);
  return at::cat({angle.cos(), angle.sin()}, 1).to(at::kFloat);
}

}  // namespace genvid
