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

WindowPlan plan_ring(int64_t frames, int64_t window, int64_t overlap, int64_t step) {
  WindowPlan plan;
  plan.ring = true;
  plan.frames = frames;
  plan.window = std::min(window, frames);
  plan.overlap = frames <= window ? 0 : std::min(overlap, window - 1);
  const int64_t stride = plan.window - plan.overlap;
  const int64_t count = (frames + stride - 1) / stride;
  double shift = 0;  // the bits of step, mirrored at the point: 0, 1/2, 1/4, 3/4, 1/8 ...
  double bit = 0.5;
  for (int64_t s = step; s > 0; s /= 2, bit /= 2) shift += static_cast<double>(s % 2) * bit;
  const double spacing = static_cast<double>(frames) / static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) {
    plan.starts.push_back(std::llround((static_cast<double>(i) + shift) * spacing) % frames);
  }
  return plan;
}

std::vector<int64_t> extension_starts(int64_t frames, int64_t window, int64_t overlap,
                                      int64_t first, int64_t past) {
  std::vector<int64_t> starts{0};
  int64_t done = first > 0 ? first : window - past;
  while (done < frames) {
    starts.push_back(done);
    done += window - std::min(past + done, overlap);
  }
  return starts;
}

}  // namespace genvid
