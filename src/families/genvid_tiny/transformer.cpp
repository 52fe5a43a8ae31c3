#include "families/genvid_tiny/transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <utility>

namespace genvid::genvid_tiny {
namespace {

// For each latent the cleanest of those before it (the nearest of equals), carried on by what the
// camera does from there to here, times what of it is no noise (1 at the level that history is
// told: what is kept from window to window must not fade); zeros for the first. Where the last
// latent is known as well, those to be made go over from the one before to that one. What the
// camera has come to see since is as an anchor that lies ahead shows it. timesteps [G], G = 1 or F.
Tensor before(const Tensor& latents, const Tensor& timesteps, const Camera& camera,
              const CameraMove& move, const Anchor& anchor, double told) {
  const int64_t frames = latents.size(2);
  const Tensor levels = (timesteps / 1000.0).expand({frames}).cpu().contiguous();
  const float* level = levels.const_data_ptr<float>();
  std::vector<Tensor> out{at::zeros_like(latents.select(2, 0))};
  const auto share = [&](float of) { return (1.0 - of) / (1.0 - told); };
  const auto known = [&](int64_t f) { return level[f] <= told * 1.001; };
  const int64_t last = frames - 1;
  int64_t best = 0;
  for (int64_t f = 1; f < frames; ++f) {
    const Tensor shown = anchor.ahead ? anchor.latents.select(2, f) : Tensor();
    const auto since = static_cast<double>(f - best);
    Tensor past = camera.carry(latents.select(2, best), move, since, shown) * share(level[best]);
    if (known(last) && known(best) && !known(f)) {
      const double part = static_cast<double>(f - best) / static_cast<double>(last - best);
      past = past * (1 - part) +
             camera.carry(latents.select(2, last), move, static_cast<double>(f - last)) * part;
    }
    out.push_back(past);
    if (level[f] <= level[best]) best = f;
  }
  return at::stack(out, 2);
}

// What is no longer as the anchor has it, with the mean and the spread that the anchor has in the
// same places, number by number, for the window as a whole: it may move, but not fade or harden.
// most: by how much a spread is changed. Source: scripts/train/nets.py, steadied.
Tensor steadied(const Tensor& x0, const Anchor& anchor, double most) {
  constexpr double kMoved = 0.1, kFaint = 0.05;
  const std::vector<int64_t> whole{2, 3, 4};
  const Tensor there = anchor.seen.gt(0.5);
  const Tensor held = anchor.latents / anchor.seen.clamp_min(0.5) * there;
  const Tensor weight = (x0 - held).square_().mean({1}, true).div_(kMoved).clamp_max_(1) * there;
  const Tensor total = weight.sum(whole, true).clamp_min_(1e-6);
  const auto mean = [&](const Tensor& t) { return (t * weight).sum(whole, true) / total; };
  const Tensor from = mean(x0), to = mean(held);
  const Tensor now = mean((x0 - from).square_()), then = mean((held - to).square_());
  const Tensor gain = ((then + kFaint) / (now + kFaint)).sqrt_().clamp_(1 / most, most);
  return x0 + weight * ((x0 - from) * gain + to - x0);
}

// The share that a gate takes over: with the bias `plain`, or by hardness, where that is defined,
// one from `soft` to `hard`.
Tensor opened(Tensor gate, double plain, double soft, double hard, const Tensor& hardness) {
  if (hardness.defined()) {
    gate.add_(hardness * (hard - soft) + soft);
  } else {
    gate.add_(plain);
  }
  return gate.sigmoid_();
}

}  // namespace

Transformer::Transformer(const WeightMap& w, const TransformerConfig& c, at::ScalarType dtype)
    : config_(c),
      trunk_(w, c, 3 * c.in_channels, dtype),
      out_(w.scope("out"), c.dim, c.in_channels),
      keep_(w.scope("keep"), c.dim, c.in_channels),
      hold_(w.scope("hold"), c.dim, c.in_channels),
      camera_(w.scope("camera"), c) {}

PromptContext Transformer::context(const Tensor& hidden) const {
  PromptContext out;
  static_cast<TextContext&>(out) = trunk_.context(hidden);
  out.camera = camera_.move(out.pooled);
  return out;
}

Anchor Transformer::anchor(const Tensor& latent, double age, int64_t frames,
                           const CameraMove& move) const {
  std::vector<Tensor> carried, seen;
  for (int64_t f = 0; f < frames; ++f) {
    const bool own = latent.size(2) > 1;  // nothing is to be carried
    const Tensor picture = latent.select(2, own ? f : 0);
    const double times = own ? 0.0 : age + static_cast<double>(f);
    seen.push_back(camera_.inside(move, times, latent.size(3), latent.size(4)));
    carried.push_back(camera_.carry(picture, move, times) * seen.back());
  }
  Anchor out{at::stack(carried, 2), at::stack(seen).unsqueeze(0).unsqueeze(0), age < 0, {}};
  if (move == CameraMove{}) {
    out.hard = camera_.hardness(latent.select(2, 0)).view({1, -1, 1}).repeat({1, frames, 1});
  }
  return out;
}

Tensor Transformer::forward(const Tensor& latents, const Tensor& timesteps,
                            const std::vector<const PromptContext*>& prompts, const RopeTable& rope,
                            const Anchor& anchor) const {
  const int64_t batch = static_cast<int64_t>(prompts.size());
  const int64_t f = latents.size(2), h = latents.size(3), w = latents.size(4);
  const CameraMove& move = prompts.front()->camera;
  const Tensor past = before(latents, timesteps, camera_, move, anchor, config_.history_sigma);
  const Tensor held = anchor.latents.defined() ? anchor.latents : at::zeros_like(latents);
  const Tensor x = trunk_.tokens(at::cat({latents, past, held}, 1), timesteps,
                                 {prompts.begin(), prompts.end()}, rope);
  Tensor x0 = out_(x);
  const auto as_tokens = [&](const Tensor& t) {
    return t.permute({0, 2, 3, 4, 1}).reshape({1, f * h * w, -1});
  };
  if (f > 1) {  // the first has nothing before it
    const Tensor there = as_tokens(past);
    const auto behind = [&](const Tensor& t) { return t.narrow(1, h * w, (f - 1) * h * w); };
    Tensor made = behind(x0);
    const Tensor kept =
        opened(keep_(behind(x)), config_.keep_bias, config_.keep_bias_soft, config_.keep_bias_hard,
               anchor.hard.defined() ? behind(anchor.hard) : Tensor());
    made.add_(kept * (behind(there) - made));
  }
  if (anchor.latents.defined()) {
    const Tensor hold = opened(hold_(x).mul_(config_.hold_gain),
                               anchor.ahead ? config_.hold_bias_ahead : config_.hold_bias,
                               config_.hold_bias_soft, config_.hold_bias_hard, anchor.hard);
    x0.add_(hold * (as_tokens(held) - as_tokens(anchor.seen) * x0));
  }
  x0 = x0.view({batch, f, h, w, config_.in_channels}).permute({0, 4, 1, 2, 3});
  return anchor.latents.defined() && config_.steady > 1 ? steadied(x0, anchor, config_.steady) : x0;
}

}  // namespace genvid::genvid_tiny
