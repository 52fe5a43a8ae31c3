#include "families/genvid_tiny/trunk.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/silu.h>

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

}  // namespace

TransformerBlock::TransformerBlock(const WeightMap& w, const TrunkConfig& c)
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

Trunk::Trunk(const WeightMap& w, const TrunkConfig& c, int64_t numbers, at::ScalarType dtype)
    : config_(c),
      dtype_(dtype),
      inp_(w.scope("inp"), numbers, c.dim),
      place_(w.get("place", {c.rows, c.columns, c.dim})),
      t1_(w.scope("t1"), kTimeWidth, c.dim),
      t2_(w.scope("t2"), c.dim, c.dim),
      pool_(w.scope("pool"), c.text_dim, c.dim),
      ada_(w.scope("ada"), c.dim, 6 * c.dim),
      mod_out_(w.scope("mod_out"), c.dim, 2 * c.dim) {
  for (int64_t i = 0; i < c.layers; ++i) blocks_.emplace_back(w.scope("blocks").scope(i), c);
}

RopeTable Trunk::rope(int64_t frames, int64_t rows, int64_t columns) const {
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

TextContext Trunk::context(const Tensor& hidden) const {
  TextContext out;
  out.pooled = hidden.to(at::kFloat).mean(1);
  for (const TransformerBlock& block : blocks_) {
    out.blocks.push_back(block.project(hidden.to(dtype_)));
  }
  return out;
}

Tensor Trunk::tokens(const Tensor& numbers, const Tensor& timesteps,
                     const std::vector<const TextContext*>& prompts, const RopeTable& rope) const {
  const int64_t batch = static_cast<int64_t>(prompts.size());
  const int64_t f = numbers.size(2), h = numbers.size(3), w = numbers.size(4);
  std::vector<Tensor> pooled;
  for (const TextContext* p : prompts) pooled.push_back(p->pooled);
  const Tensor time = t2_(at::silu(t1_(timestep_embedding(timesteps, kTimeWidth))));  // [G, D]
  const Tensor temb = at::silu(time.unsqueeze(0) + pool_(at::cat(pooled, 0)).unsqueeze(1));
  const Tensor modulation = ada_(temb);  // [B, G, 6 D]
  tap("modulation", modulation);

  const Tensor tokens = inp_(numbers.permute({0, 2, 3, 4, 1})) +
                        place_.narrow(0, 0, h).narrow(1, 0, w);  // [1, F, h, w, D]
  Tensor x = tokens.view({1, f * h * w, config_.dim}).repeat({batch, 1, 1});
  for (size_t i = 0; i < blocks_.size(); ++i) {
    throw_if_cancelled();
    std::vector<KeyValues> context;
    for (const TextContext* p : prompts) context.push_back(p->blocks[i]);
    x = blocks_[i](std::move(x), modulation, context, rope);
    tap("block" + std::to_string(i), x);
  }
  const std::vector<Tensor> last = mod_out_(temb).chunk(2, -1);
  return norm_modulate(x, last[0], last[1], kEps, at::kFloat);
}

}  // namespace genvid::genvid_tiny
