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

std::vector<int64_t> chain_frames(int64_t frames, int64_t window, int temporal_factor,
                                  bool from_frame, bool evenly) {
  const int64_t f = temporal_factor;
  const auto on_grid = [f](int64_t n) { return (n - 1 + f - 1) / f * f + 1; };
  const int64_t most = (window - 1) / f * f + 1;
  std::vector<int64_t> out;
  for (int64_t have = 0; have < frames;) {
    const int64_t repeated = out.empty() && !from_frame ? 0 : 1;
    const int64_t left = frames - have, added = std::max<int64_t>(1, most - 1);
    const int64_t clips = (left - (1 - repeated) + added - 1) / added;
    const int64_t own = evenly && clips > 1 ? (left + clips - 1) / clips : left;
    const int64_t count = std::min(most, on_grid(own + repeated));
    out.push_back(count);
    have += count - repeated;
  }
  return out;
}

}  // namespace genvid
