#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>

#include <cmath>
#include <utility>

#include "diffusion/scheduler.h"
#include "diffusion/sigmas.h"
#include "genvid/error.h"

namespace genvid {
namespace {

class Renoising final : public Scheduler {
 public:
  Renoising(FlowSigmas grid, double eta, StepNoise noise)
      : kept_(static_cast<float>(std::sqrt(1.0 - eta * eta))),
        fresh_(static_cast<float>(eta)),
        noise_(std::move(noise)) {
    sigmas_ = std::move(grid.sigmas);
    timesteps_ = std::move(grid.timesteps);
  }

  Tensor step(const Tensor& noise_pred, int64_t index, const Tensor& sample) override {
    const Tensor velocity = noise_pred.to(at::kFloat);
    const float sigma = sigmas_[index], next = sigmas_[index + 1];
    const Tensor x0 = at::sub(sample, at::mul(velocity, sigma));
    if (next == 0.0f) return x0;
    Tensor noise = at::mul(noise_(index).to(sample.device()), fresh_);
    if (kept_ > 0.0f) noise.add_(at::add(sample, at::mul(velocity, 1.0f - sigma)), kept_);
    return at::add(at::mul(x0, 1.0f - next), at::mul(noise, next));
  }

 private:
  float kept_, fresh_;  // shares of the noise that was in the sample, and of new noise
  StepNoise noise_;
};

}  // namespace

std::unique_ptr<Scheduler> make_renoising(const std::vector<double>& timesteps, StepNoise noise) {
  return std::make_unique<Renoising>(listed_sigmas(timesteps), 1.0, std::move(noise));
}

std::unique_ptr<Scheduler> make_renoising(int num_inference_steps, double shift, double eta,
                                          StepNoise noise, int64_t skip) {
  FlowSigmas grid = even_sigmas(num_inference_steps, shift);
  grid.sigmas.erase(grid.sigmas.begin(), grid.sigmas.begin() + skip);
  grid.timesteps.erase(grid.timesteps.begin(), grid.timesteps.begin() + skip);
  return std::make_unique<Renoising>(std::move(grid), eta, std::move(noise));
}

}  // namespace genvid
