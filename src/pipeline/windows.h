// Overlapping windows in time: how a model whose own window is shorter than the clip makes the clip
// whole (MultiDiffusion in time; noise as in FreeNoise, Qiu et al. 2023). Every denoising step runs
// the network on each window and blends the predictions; the sampler steps the whole clip once.
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace genvid {

struct WindowPlan {
  int64_t frames = 0;           // latent frames of the clip
  int64_t window = 0;           // latent frames of one window
  int64_t overlap = 0;          // latent frames that neighbours share at least
  std::vector<int64_t> starts;  // evenly spaced, first 0, last frames - window
};

// One window when the clip fits. overlap < window.
WindowPlan plan_windows(int64_t frames, int64_t window, int64_t overlap);

// Blend weights [window] of window i: ramps (k + 0.5) / overlap at edges inside the clip, never 0;
// 1 at the clip's own ends.
Tensor window_weights(const WindowPlan& plan, size_t i);

// Replaces the noise after the first window by permutations of earlier frames, so that windows
// agree with each other. noise [1, C, T, H, W], changed in place.
void share_noise(Tensor& noise, const WindowPlan& plan, uint64_t seed);

}  // namespace genvid
