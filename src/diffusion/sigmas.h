// Noise-level grids of flow-matching models, exactly as the reference rounds them.
#pragma once

#include <vector>

namespace genvid {

struct FlowSigmas {
  std::vector<float> sigmas;      // steps + 1, last is 0
  std::vector<double> timesteps;  // steps
};

// diffusers UniPCMultistepScheduler with use_flow_sigmas: linspace(1, 1/1000), shifted, the first
// level pulled off 1 by 1e-6, timesteps truncated to integers.
FlowSigmas shifted_sigmas(int num_inference_steps, double shift);

// diffusers FlowMatchEulerDiscreteScheduler: linspace between the ends of the already shifted
// training table, shifted again; timesteps not truncated.
FlowSigmas twice_shifted_sigmas(int num_inference_steps, double shift);

// linspace(1, 0), shifted once: shift u / (1 + (shift - 1) u).
FlowSigmas even_sigmas(int num_inference_steps, double shift);
// timestep / 1000 of each, then 0; for models distilled for these steps alone.
FlowSigmas listed_sigmas(const std::vector<double>& timesteps);

}  // namespace genvid
