#include <ATen/ops/add.h>
#include <ATen/ops/div.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "diffusion/scheduler.h"
#include "diffusion/sigmas.h"
#include "genvid/error.h"

namespace genvid {
namespace {

constexpr int64_t kSolverOrder = 2;

// The coefficients of one update from level s0 to level t, as the reference computes them: in
// float, because 1 - float(0.999999) decides the first steps.
struct Update {
  float ratio;    // sigma_t / sigma_s0
  float alpha_t;  // 1 - sigma_t
  float hh;       // -(lambda_t - lambda_s0)
  float h_phi_1;  // expm1(hh), also B(h) of the bh2 variant
  float lambda_s0;
  float h;
};

float lambda_of(float sigma) { return std::log(1.0f - sigma) - std::log(sigma); }

Update update_between(float sigma_s0, float sigma_t) {
  Update u;
  u.ratio = sigma_t / sigma_s0;
  u.alpha_t = 1.0f - sigma_t;
  u.lambda_s0 = lambda_of(sigma_s0);
  u.h = lambda_of(sigma_t) - u.lambda_s0;  // +inf on the last step, where sigma_t is 0
  u.hh = -u.h;
  u.h_phi_1 = std::expm1(u.hh);
  return u;
}

class UniPC final : public Scheduler {
 public:
  explicit UniPC(FlowSigmas grid) {
    sigmas_ = std::move(grid.sigmas);
    timesteps_ = std::move(grid.timesteps);
  }

  Tensor step(const Tensor& noise_pred, int64_t index, const Tensor& sample_in) override {
    Tensor sample = sample_in;
    const float sigma = sigmas_[index];
    // The product is rounded to the prediction's dtype, as in the reference.
    const Tensor x0 = at::sub(sample, at::mul(noise_pred, sigma));
    if (index > 0) sample = correct(x0, index);

    m1_ = m0_;
    m0_ = x0;
    order_ = order_at(index);
    last_sample_ = sample;
    return predict(index, sample);
  }

  State state() const override {
    if (!m0_.defined()) return {};
    State state{{"x0", m0_}, {"last_sample", last_sample_}};
    if (m1_.defined()) state["x0_before"] = m1_;
    return state;
  }

  void restore(int64_t index, const State& state) override {
    const size_t expected = index == 0 ? 0 : index == 1 ? 2 : 3;
    if (state.size() != expected || (expected > 0 && !state.contains("x0")) ||
        (expected > 0 && !state.contains("last_sample")) ||
        (expected == 3 && !state.contains("x0_before"))) {
      throw Error(ErrorKind::kOutput, "not the state of this sampler");
    }
    if (expected == 0) return;
    m0_ = state.at("x0");
    last_sample_ = state.at("last_sample");
    if (expected == 3) m1_ = state.at("x0_before");
    order_ = order_at(index - 1);
  }

 private:
  int64_t order_at(int64_t index) const {
    const int64_t steps = static_cast<int64_t>(timesteps_.size());
    return std::min({kSolverOrder, steps - index, index + 1});
  }

  // UniP: from sample at sigmas[index] to sigmas[index + 1].
  Tensor predict(int64_t index, const Tensor& sample) const {
    const Update u = update_between(sigmas_[index], sigmas_[index + 1]);
    Tensor x = at::sub(at::mul(sample, u.ratio), at::mul(m0_, u.alpha_t * u.h_phi_1));
    if (order_ == 2) {
      const float rk = (lambda_of(sigmas_[index - 1]) - u.lambda_s0) / u.h;
      const Tensor d1 = at::div(at::sub(m1_, m0_), rk);
      x = at::sub(x, at::mul(at::mul(d1, 0.5), u.alpha_t * u.h_phi_1));
    }
    return x;
  }

  // UniC: corrects the sample that the last predictor made, given the new prediction there.
  Tensor correct(const Tensor& x0, int64_t index) const {
    const Update u = update_between(sigmas_[index - 1], sigmas_[index]);
    const Tensor base =
        at::sub(at::mul(last_sample_, u.ratio), at::mul(m0_, u.alpha_t * u.h_phi_1));
    const Tensor d_t = at::sub(x0, m0_);
    if (order_ == 1) return at::sub(base, at::mul(at::mul(d_t, 0.5), u.alpha_t * u.h_phi_1));

    const float rk = (lambda_of(sigmas_[index - 2]) - u.lambda_s0) / u.h;
    const auto [rho_0, rho_t] = corrector_weights(u, rk);
    const Tensor d1 = at::div(at::sub(m1_, m0_), rk);
    const Tensor sum = at::add(at::mul(d1, rho_0), at::mul(d_t, rho_t));
    return at::sub(base, at::mul(sum, u.alpha_t * u.h_phi_1));
  }

  // Solves [[1, 1], [rk, 1]] rho = b, b_k = h phi_{k+1}(hh) k! / B(h).
  static std::pair<double, double> corrector_weights(const Update& u, float rk) {
    const float phi_2 = u.h_phi_1 / u.hh - 1.0f;
    const float b1 = phi_2 / u.h_phi_1;
    const float phi_3 = phi_2 / u.hh - 0.5f;
    const float b2 = phi_3 * 2.0f / u.h_phi_1;
    const double rho_0 = (static_cast<double>(b1) - b2) / (1.0 - rk);
    return {rho_0, b1 - rho_0};
  }

  Tensor m0_, m1_;      // x0 predictions, newest first
  Tensor last_sample_;  // corrected sample before the last predictor
  int64_t order_ = 1;   // of the last predictor
};

}  // namespace

std::unique_ptr<Scheduler> make_unipc(int num_inference_steps, double shift) {
  return std::make_unique<UniPC>(shifted_sigmas(num_inference_steps, shift));
}

std::unique_ptr<Scheduler> make_unipc(const std::vector<double>& timesteps) {
  FlowSigmas grid = listed_sigmas(timesteps);
  // At level 1 the solver's log ratio of signal to noise has no end.
  grid.sigmas[0] = std::min(grid.sigmas[0], 0.999999f);
  for (double& t : grid.timesteps) t = std::trunc(t);
  return std::make_unique<UniPC>(std::move(grid));
}

}  // namespace genvid
