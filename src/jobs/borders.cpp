#include "jobs/borders.h"

#include "core/window_plan.h"

namespace genvid {

std::vector<int64_t> chunk_borders(const Plan& plan, const Traits& traits) {
  const Geometry& geometry = traits.geometry;
  const ClipSpec& spec = plan.spec;
  const int64_t count = plan.rollout.windows, window = spec.window_latents;
  std::vector<int64_t> out;
  const auto add = [&](int64_t frame) {
    if (frame < spec.frames) out.push_back(frame);
  };
  const bool extends = plan.rollout.past_frames > 0;
  // The first frame of latent frame `index`; behind another video all are of one length.
  const auto frame_of = [&](int64_t index) {
    if (extends) return index * geometry.temporal_factor;
    return index == 0 ? 0 : geometry.frames_of(index);
  };
  if (spec.rollout == "continue") {
    int64_t begin = extends ? 0 : 1;
    for (const int64_t frames :
         chain_frames(spec.frames, geometry.frames_of(window), geometry.temporal_factor, extends,
                      plan.rollout.even)) {
      if (begin > 1) add(begin);
      begin += frames - 1;
    }
  } else if (spec.rollout == "causal") {
    for (int64_t i = 1; i < count; ++i) add(frame_of(i * spec.block_latents));
  } else if (spec.rollout == "overlap") {
    const WindowPlan windows = plan_windows(plan.latent_frames, window, spec.overlap_latents);
    for (size_t i = 1; i < windows.starts.size(); ++i) {
      add(frame_of(windows.starts[i] + windows.overlap / 2));
    }
  } else if (spec.rollout == "extend" || spec.rollout == "diffusion-forcing") {
    const int64_t past = extends ? spec.overlap_latents : 0;
    const int64_t before = spec.closes ? spec.first_latents : 0;  // of a loop, not in the file
    const int64_t made = plan.latent_frames - plan.rollout.given_at_end + before;
    for (const int64_t start :
         extension_starts(made, window, spec.overlap_latents, spec.first_latents, past)) {
      if (start > before) add(frame_of(start - before));
    }
    if (made < plan.latent_frames) add(frame_of(made));
  }
  return out;
}

void put_past_before(Plan& plan, int64_t frames) {
  plan.past_frames = frames;
  for (int64_t& border : plan.borders) border += frames;
  for (int64_t& cut : plan.cuts) cut += frames;
  plan.borders.insert(plan.borders.begin(), frames);
}

}  // namespace genvid
