#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>

#include <utility>

#include "diffusion/scheduler.h"
#include "diffusion/sigmas.h"
#include "genvid/error.h"

namespace genvid {
namespace {

class Renoising final : public Scheduler {
 public:
  Renoising(FlowSigmas grid, StepNoise noise) : noise_(std::move(noise)) {
    sigmas_ = std::move(grid.sigmas);
    timesteps_ = std::move(grid.timesteps);
  }

  Tensor step(const Tensor& noise_pred, int64_t index, const Tensor& sample) override {
    const Tensor x0 = at::sub(sample, at::mul(noise_pred.to(at::kFloat), sigmas_[index]));
    const float next = sigmas_[index + 1];
    if (next == 0.0f) return x0;
    return at::add(at::mul(x0, 1.0f - next), at::mul(noise_(index).to(sample.device()), next));
  }

 private:
  StepNoise noise_;
};

}  // namespace

std::unique_ptr<Scheduler> make_renoising(const std::vector<double>& timesteps, StepNoise noise) {
  return std::make_unique<Renoising>(listed_sigmas(timesteps), std::move(noise));
}

}  // namespace genvid
