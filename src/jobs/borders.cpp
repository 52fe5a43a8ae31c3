#include "jobs/borders.h"

#include "core/window_plan.h"

namespace genvid {
namespace {

constexpr size_t kMost = 1000;

// The first frame that latent frame `index` stands for.
int64_t frame_of(int64_t index, const Geometry& g) { return index == 0 ? 0 : g.frames_of(index); }

}  // namespace

std::vector<int64_t> chunk_borders(const Plan& plan, const Traits& traits) {
  const Geometry& geometry = traits.geometry;
  const ClipSpec& spec = plan.spec;
  const int64_t count = plan.rollout.windows, window = spec.window_latents;
  std::vector<int64_t> out;
  const auto add = [&](int64_t frame) {
    if (frame < spec.frames && out.size() < kMost) out.push_back(frame);
  };
  if (spec.rollout == "continue") {
    const int64_t frames = geometry.frames_of(window);
    for (int64_t i = 1; i < count; ++i) add(frames + (i - 1) * (frames - 1));
  } else if (spec.rollout == "causal") {
    for (int64_t i = 1; i < count; ++i) {
      add(frame_of(i * spec.block_latents, geometry));
    }
  } else if (spec.rollout == "overlap") {
    const WindowPlan windows = plan_windows(plan.latent_frames, window, spec.overlap_latents);
    for (size_t i = 1; i < windows.starts.size(); ++i) {
      add(frame_of(windows.starts[i] + windows.overlap / 2, geometry));
    }
  } else if (spec.rollout == "extend") {
    // A first picture is a latent of the first window.
    for (int64_t i = 0; i + 1 < count; ++i) {
      add(frame_of(window + i * (window - traits.history_latents), geometry));
    }
  }
  return out;
}

}  // namespace genvid
