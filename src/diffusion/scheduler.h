// Samplers for flow-matching models: the noise levels and one update per step. They know no
// network. sigma = noise level in [0, 1]; timestep = what the network sees.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace genvid {

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  const std::vector<double>& timesteps() const { return timesteps_; }  // one per step
  const std::vector<float>& sigmas() const { return sigmas_; }         // steps + 1, last is 0
  // noise_pred: the velocity at `index`; sample: fp32 latents. Steps go in order from 0.
  virtual Tensor step(const Tensor& noise_pred, int64_t index, const Tensor& sample) = 0;

  // What the solver remembers between steps, by name, so that another process can go on: after
  // restore(index, state()) the next step is the index-th. Error(kOutput) on a state that does not
  // fit. A solver without memory has none.
  using State = std::map<std::string, Tensor>;
  virtual State state() const { return {}; }
  virtual void restore(int64_t index, const State& state);

 protected:
  std::vector<double> timesteps_;
  std::vector<float> sigmas_;
};

// UniPC order 2 (Zhao et al. 2023; diffusers UniPCMultistepScheduler with use_flow_sigmas, bh2).
std::unique_ptr<Scheduler> make_unipc(int num_inference_steps, double shift);
// The same on listed noise levels, timestep / 1000, falling; the network sees whole timesteps.
std::unique_ptr<Scheduler> make_unipc(const std::vector<double>& timesteps);
// Few-step models distilled by matching distributions (Yin et al. 2024): each step goes to the
// clean sample, then fresh noise takes it to the next listed level. noise: standard normal for step
// i.
using StepNoise = std::function<Tensor(int64_t index)>;
std::unique_ptr<Scheduler> make_renoising(const std::vector<double>& timesteps, StepNoise noise);
// make_even_euler(), but at each step a part of the noise is new, so that details are decided again
// beside others that are: sqrt(1 - eta^2) of what there was and eta of new (Song et al. 2021,
// DDIM's eta). 0 <= eta <= 1. skip: it begins with so many of the steps behind it.
std::unique_ptr<Scheduler> make_renoising(int num_inference_steps, double shift, double eta,
                                          StepNoise noise, int64_t skip = 0);
// diffusers FlowMatchEulerDiscreteScheduler, static shift.
std::unique_ptr<Scheduler> make_flow_match_euler(int num_inference_steps, double shift);
// Euler on evenly spaced times, shifted once: what rectified-flow models of our own are trained
// for.
std::unique_ptr<Scheduler> make_even_euler(int num_inference_steps, double shift);
// "unipc" | "euler" | "euler-even"; Error(kUsage) otherwise.
std::unique_ptr<Scheduler> make_scheduler(const std::string& name, int num_inference_steps,
                                          double shift);

}  // namespace genvid
