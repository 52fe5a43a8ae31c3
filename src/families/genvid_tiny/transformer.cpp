#include "families/genvid_tiny/transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <string>
#include <utility>

#include "core/cancel.h"
#include "kernels/modulate.h"
#include "kernels/rms_rope.h"
#include "nn/attention.h"
#include "nn/timestep_embedding.h"
#include "tensor/tap.h"

namespace genvid::genvid_tiny {
namespace {

constexpr double kEps = 1e-6;
constexpr int64_t kTimeWidth = 256;

Tensor gelu_mlp(const Linear& up, const Linear& down, const Tensor& x) {
  Tensor h = up(x);
  at::gelu_(h, "tanh");
  return down(h);
}

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

}  // namespace

TransformerBlock::TransformerBlock(const WeightMap& w, const TransformerConfig& c)
    : heads(c.heads()),
      split(c.rope_split.begin(), c.rope_split.end()),
      qkv(w.scope("qkv"), c.dim, 3 * c.dim),
      o(w.scope("o"), c.dim, c.dim),
      cq(w.scope("cq"), c.dim, c.dim),
      ckv(w.scope("ckv"), c.text_dim, 2 * c.dim),
      co(w.scope("co"), c.dim, c.dim),
      w1(w.scope("w1"), c.dim, c.mlp_ratio * c.dim),
      w2(w.scope("w2"), c.mlp_ratio * c.dim, c.dim),
      mod(w.get("mod", {6 * c.dim})) {}

KeyValues TransformerBlock::project(const Tensor& hidden) const {
  const Tensor kv = ckv(hidden).unflatten(-1, {2, heads, -1});  // [1, S, 2, N, K]
  return {rms_rope(kv.select(2, 0), {}, {}, {}, kEps), kv.select(2, 1).contiguous()};
}

Tensor TransformerBlock::self_attention(const Tensor& x, const RopeTable& rope) const {
  const Tensor projected = qkv(x).unflatten(-1, {3, heads, -1});  // [B, L, 3, N, K]
  const Tensor q = rms_rope(projected.select(2, 0), rope.cos, rope.sin, split, kEps);
  const Tensor k = rms_rope(projected.select(2, 1), rope.cos, rope.sin, split, kEps);
  return o(attention(q, k, projected.select(2, 2)));
}

Tensor TransformerBlock::cross_attention(const Tensor& x,
                                         const std::vector<KeyValues>& context) const {
  const Tensor q = rms_rope(cq(x).unflatten(-1, {heads, -1}), {}, {}, {}, kEps);
  std::vector<Tensor> rows;
  for (size_t b = 0; b < context.size(); ++b) {
    rows.push_back(attention(q.narrow(0, static_cast<int64_t>(b), 1), context[b].k, context[b].v));
  }
  return co(rows.size() == 1 ? rows.front() : at::cat(rows, 0));
}

Tensor TransformerBlock::operator()(Tensor x, const Tensor& modulation,
                                    const std::vector<KeyValues>& context,
                                    const RopeTable& rope) const {
  const at::ScalarType dtype = qkv.weight.scalar_type();
  const std::vector<Tensor> m = (modulation + mod).chunk(6, -1);  // s1 b1 g1 s2 b2 g2, [B, G, D]
  Tensor y = self_attention(norm_modulate(x, m[0], m[1], kEps, dtype), rope);
  x = gated_add(std::move(x), y, m[2]);
  y = cross_attention(norm_modulate(x, {}, {}, kEps, dtype), context);
  x.add_(y);
  y = gelu_mlp(w1, w2, norm_modulate(x, m[3], m[4], kEps, dtype));
  return gated_add(std::move(x), y, m[5]);
}

Transformer::Transformer(const WeightMap& w, const TransformerConfig& c, at::ScalarType dtype)
    : config_(c),
      dtype_(dtype),
      inp_(w.scope("inp"), 3 * c.in_channels, c.dim),
      out_(w.scope("out"), c.dim, c.in_channels),
      keep_(w.scope("keep"), c.dim, c.in_channels),
      hold_(w.scope("hold"), c.dim, c.in_channels),
      camera_(w.scope("camera"), c),
      place_(w.get("place", {c.rows, c.columns, c.dim})),
      t1_(w.scope("t1"), kTimeWidth, c.dim),
      t2_(w.scope("t2"), c.dim, c.dim),
      pool_(w.scope("pool"), c.text_dim, c.dim),
      ada_(w.scope("ada"), c.dim, 6 * c.dim),
      mod_out_(w.scope("mod_out"), c.dim, 2 * c.dim) {
  for (int64_t i = 0; i < c.layers; ++i) blocks_.emplace_back(w.scope("blocks").scope(i), c);
}

RopeTable Transformer::rope(int64_t frames, int64_t rows, int64_t columns) const {
  const std::vector<int64_t> grid{frames, rows, columns};
  std::vector<Tensor> groups;
  for (size_t axis = 0; axis < 3; ++axis) {
    const int64_t pairs = config_.rope_split[axis] / 2;
    const Tensor exponent = at::arange(pairs, at::kDouble) / -static_cast<double>(pairs);
    const Tensor angles = at::arange(grid[axis], at::kDouble).unsqueeze(1) *
                          at::pow(at::Scalar(config_.rope_base), exponent).unsqueeze(0);
    std::vector<int64_t> view{1, 1, 1, pairs};
    view[axis] = grid[axis];
    groups.push_back(angles.view(view).expand({frames, rows, columns, pairs}));
  }
  const Tensor angle = at::cat(groups, -1).flatten(0, 2);
  return {angle.cos().to(place_.device(), at::kFloat), angle.sin().to(place_.device(), at::kFloat)};
}

PromptContext Transformer::context(const Tensor& hidden) const {
  PromptContext out;
  out.pooled = hidden.to(at::kFloat).mean(1);
  out.camera = camera_.move(out.pooled);
  for (const TransformerBlock& block : blocks_) {
    out.blocks.push_back(block.project(hidden.to(dtype_)));
  }
  return out;
}

Anchor Transformer::anchor(const Tensor& latent, double age, int64_t frames,
                           const CameraMove& move) const {
  const Tensor picture = latent.select(2, 0);
  std::vector<Tensor> carried, seen;
  for (int64_t f = 0; f < frames; ++f) {
    const double times = age + static_cast<double>(f);
    seen.push_back(camera_.inside(move, times, latent.size(3), latent.size(4)));
    carried.push_back(camera_.carry(picture, move, times) * seen.back());
  }
  return {at::stack(carried, 2), at::stack(seen).unsqueeze(0).unsqueeze(0), age < 0};
}

Tensor Transformer::forward(const Tensor& latents, const Tensor& timesteps,
                            const std::vector<const PromptContext*>& prompts, const RopeTable& rope,
                            const Anchor& anchor) const {
  const int64_t batch = static_cast<int64_t>(prompts.size());
  const int64_t f = latents.size(2), h = latents.size(3), w = latents.size(4);
  std::vector<Tensor> pooled;
  for (const PromptContext* p : prompts) pooled.push_back(p->pooled);
  const Tensor time = t2_(at::silu(t1_(timestep_embedding(timesteps, kTimeWidth))));  // [G, D]
  const Tensor temb = at::silu(time.unsqueeze(0) + pool_(at::cat(pooled, 0)).unsqueeze(1));
  const Tensor modulation = ada_(temb);  // [B, G, 6 D]
  tap("modulation", modulation);

  const Tensor past =
      before(latents, timesteps, camera_, prompts.front()->camera, anchor, config_.history_sigma);
  const Tensor held = anchor.latents.defined() ? anchor.latents : at::zeros_like(latents);
  const Tensor tokens = inp_(at::cat({latents, past, held}, 1).permute({0, 2, 3, 4, 1})) +
                        place_.narrow(0, 0, h).narrow(1, 0, w);  // [1, F, h, w, D]
  Tensor x = tokens.view({1, f * h * w, config_.dim}).repeat({batch, 1, 1});
  for (size_t i = 0; i < blocks_.size(); ++i) {
    throw_if_cancelled();
    std::vector<KeyValues> context;
    for (const PromptContext* p : prompts) context.push_back(p->blocks[i]);
    x = blocks_[i](std::move(x), modulation, context, rope);
    tap("block" + std::to_string(i), x);
  }
  const std::vector<Tensor> last = mod_out_(temb).chunk(2, -1);
  x = norm_modulate(x, last[0], last[1], kEps, at::kFloat);
  Tensor x0 = out_(x);
  const auto as_tokens = [&](const Tensor& t) {
    return t.permute({0, 2, 3, 4, 1}).reshape({1, f * h * w, -1});
  };
  if (f > 1) {  // the first has nothing before it
    const Tensor there = as_tokens(past);
    const auto behind = [&](const Tensor& t) { return t.narrow(1, h * w, (f - 1) * h * w); };
    Tensor made = behind(x0);
    const Tensor kept = keep_(behind(x)).add_(config_.keep_bias).sigmoid_();
    made.add_(kept * (behind(there) - made));
  }
  if (anchor.latents.defined()) {
    const Tensor hold = hold_(x).mul_(config_.hold_gain).add_(config_.hold_bias).sigmoid_();
    x0.add_(hold * (as_tokens(held) - as_tokens(anchor.seen) * x0));
  }
  x0 = x0.view({batch, f, h, w, config_.in_channels}).permute({0, 4, 1, 2, 3});
  return anchor.latents.defined() && config_.steady > 1 ? steadied(x0, anchor, config_.steady) : x0;
}

}  // namespace genvid::genvid_tiny
