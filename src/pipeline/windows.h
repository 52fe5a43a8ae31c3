// Overlapping windows in time: how a model whose own window is shorter than the clip makes the clip
// whole (MultiDiffusion in time; noise as in FreeNoise, Qiu et al. 2023). Every denoising step runs
// the network on each window and blends the predictions; the sampler steps the whole clip once.
#pragma once

#include "core/window_plan.h"
#include "tensor/tensor.h"

namespace genvid {

// Blend weights [window] of window i: ramps (k + 0.5) / overlap at edges inside the clip, never 0;
// 1 at the clip's own ends, which a ring has not.
Tensor window_weights(const WindowPlan& plan, size_t i);

// Replaces the noise after the first window by permutations of earlier frames, so that windows
// agree with each other. noise [1, C, T, H, W], changed in place.
void share_noise(Tensor& noise, const WindowPlan& plan, uint64_t seed);

}  // namespace genvid
