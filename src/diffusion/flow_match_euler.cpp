#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>

#include <utility>

#include "diffusion/scheduler.h"
#include "diffusion/sigmas.h"

namespace genvid {
namespace {

class FlowMatchEuler final : public Scheduler {
 public:
  explicit FlowMatchEuler(FlowSigmas grid) {
    sigmas_ = std::move(grid.sigmas);
    timesteps_ = std::move(grid.timesteps);
  }

  Tensor step(const Tensor& noise_pred, int64_t index, const Tensor& sample) override {
    const float dt = sigmas_[index + 1] - sigmas_[index];
    // The reference hands the sample on in the prediction's dtype.
    return at::add(sample, at::mul(noise_pred, dt)).to(noise_pred.scalar_type());
  }
};

}  // namespace

std::unique_ptr<Scheduler> make_flow_match_euler(int num_inference_steps, double shift) {
  return std::make_unique<FlowMatchEuler>(twice_shifted_sigmas(num_inference_steps, shift));
}

std::unique_ptr<Scheduler> make_even_euler(int num_inference_steps, double shift) {
  return std::make_unique<FlowMatchEuler>(even_sigmas(num_inference_steps, shift));
}

}  // namespace genvid
