#include "core/window_plan.h"

#include <algorithm>
#include <cmath>

namespace genvid {

WindowPlan plan_windows(int64_t frames, int64_t window, int64_t overlap) {
  WindowPlan plan;
  plan.frames = frames;
  plan.window = std::min(window, frames);
  plan.overlap = std::min(overlap, plan.window - 1);
  if (frames <= window) {
    plan.starts = {0};
    return plan;
  }
  const int64_t step = window - plan.overlap;
  const int64_t count = (frames - window + step - 1) / step + 1;
  for (int64_t i = 0; i < count; ++i) {
    plan.starts.push_back(
        std::llround(static_cast<double>(i * (frames - window)) / static_cast<double>(count - 1)));
  }
  return plan;
}

}  // namespace genvid
