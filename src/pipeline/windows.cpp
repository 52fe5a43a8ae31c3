#include "pipeline/windows.h"

#include <ATen/ops/ones.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "core/philox.h"

namespace genvid {

Tensor window_weights(const WindowPlan& plan, size_t i) {
  Tensor weights = at::ones({plan.window}, at::kFloat);
  float* w = weights.mutable_data_ptr<float>();
  for (int64_t k = 0; k < plan.overlap; ++k) {
    const float ramp = (static_cast<float>(k) + 0.5f) / static_cast<float>(plan.overlap);
    if (i > 0 || plan.ring) w[k] = std::min(w[k], ramp);
    if (i + 1 < plan.starts.size() || plan.ring) {
      float& tail = w[plan.window - 1 - k];
      tail = std::min(tail, ramp);
    }
  }
  return weights;
}

void share_noise(Tensor& noise, const WindowPlan& plan, uint64_t seed) {
  const int64_t step = plan.window - plan.overlap;
  for (int64_t start = 0; start + plan.window < plan.frames; start += step) {
    const int64_t count = std::min(step, plan.frames - start - plan.window);
    std::vector<int64_t> order(static_cast<size_t>(step));
    std::iota(order.begin(), order.end(), start);
    for (int64_t k = step - 1; k > 0; --k) {  // Fisher-Yates on counter-based numbers
      const auto random =
          philox4x32_10({static_cast<uint32_t>(k), static_cast<uint32_t>(start), 0, 1},
                        {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
      std::swap(order[static_cast<size_t>(k)], order[random[0] % static_cast<uint64_t>(k + 1)]);
    }
    for (int64_t k = 0; k < count; ++k) {
      noise.select(2, start + plan.window + k)
          .copy_(noise.select(2, order[static_cast<size_t>(k)]));
    }
  }
}

}  // namespace genvid
