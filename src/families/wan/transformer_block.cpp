#include "families/wan/transformer_block.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>

#include <utility>

#include "kernels/modulate.h"
#include "kernels/rope.h"
#include "nn/attention.h"
#include "tensor/tap.h"

namespace genvid::wan {

AttentionProjections::AttentionProjections(const WeightMap& w, const TransformerConfig& c)
    : heads(c.num_attention_heads),
      to_q(w.scope("to_q"), c.dim(), c.dim()),
      to_k(w.scope("to_k"), c.dim(), c.dim()),
      to_v(w.scope("to_v"), c.dim(), c.dim()),
      to_out(w.scope("to_out").scope(0), c.dim(), c.dim()),
      norm_q(w.scope("norm_q"), c.dim(), c.eps),
      norm_k(w.scope("norm_k"), c.dim(), c.eps) {}

Tensor SelfAttention::operator()(const Tensor& x, const RopeTable& rope, const Sight& sight) const {
  Tensor q = norm_q(to_q(x));
  tap("attn1.norm_q", q);
  q = apply_rope(split(q), rope.cos, rope.sin);
  const Tensor k = apply_rope(split(norm_k(to_k(x))), rope.cos, rope.sin);
  const Tensor v = split(to_v(x));
  if (sight.block > 0) return to_out(block_causal_attention(q, k, v, sight.block));
  if (sight.cache.ring == nullptr) return to_out(attention(q, k, v));
  const auto [keys, values] = sight.cache.ring->put(sight.cache.layer, k, v);
  return to_out(attention(q, keys, values));
}

CrossAttention::CrossAttention(const WeightMap& w, const TransformerConfig& c)
    : AttentionProjections(w, c) {
  if (c.image_dim == 0) return;
  add_k_proj.emplace(w.scope("add_k_proj"), c.dim(), c.dim());
  add_v_proj.emplace(w.scope("add_v_proj"), c.dim(), c.dim());
  norm_added_k.emplace(w.scope("norm_added_k"), c.dim(), c.eps);
}

KeyValues CrossAttention::project(const Tensor& text, const Tensor& image) const {
  KeyValues kv{split(norm_k(to_k(text))), split(to_v(text)), {}, {}};
  if (add_k_proj && image.defined()) {
    kv.image_k = split((*norm_added_k)((*add_k_proj)(image)));
    kv.image_v = split((*add_v_proj)(image));
  }
  return kv;
}

Tensor CrossAttention::operator()(const Tensor& x, const KeyValues& context) const {
  const Tensor q = split(norm_q(to_q(x)));
  Tensor out = attention(q, context.k, context.v);
  if (context.image_k.defined()) out = out + attention(q, context.image_k, context.image_v);
  return to_out(out);
}

FeedForward::FeedForward(const WeightMap& w, int64_t dim, int64_t inner)
    : up(w.scope("net.0.proj"), dim, inner), down(w.scope("net.2"), inner, dim) {}

Tensor FeedForward::operator()(const Tensor& x) const {
  Tensor h = up(x);
  at::gelu_(h, "tanh");
  return down(h);
}

TransformerBlock::TransformerBlock(const WeightMap& w, const TransformerConfig& c)
    : eps(c.eps),
      attn1(w.scope("attn1"), c),
      attn2(w.scope("attn2"), c),
      ffn(w.scope("ffn"), c.dim(), c.ffn_dim),
      scale_shift_table(w.get("scale_shift_table", {1, 6, c.dim()})) {
  if (c.cross_attn_norm) norm2.emplace(w.scope("norm2"), c.dim(), c.eps);
}

Tensor TransformerBlock::operator()(Tensor x, const Tensor& time_proj, const KeyValues& context,
                                    const RopeTable& rope, const Sight& sight) const {
  const Tensor modulation = scale_shift_table.unsqueeze(0) + time_proj;  // [1, G, 6, D]
  const auto part = [&modulation](int64_t i) { return modulation.select(2, i); };
  const Tensor shift = part(0), scale = part(1), gate = part(2);
  const Tensor ffn_shift = part(3), ffn_scale = part(4), ffn_gate = part(5);

  if (tap_enabled()) tap("norm1", at::layer_norm(x.to(at::kFloat), {x.size(-1)}, {}, {}, eps));
  Tensor y = attn1(norm_modulate(x, scale, shift, eps), rope, sight);
  tap("attn1", y);
  x = gated_add(std::move(x), y, gate);

  y = attn2(norm2 ? (*norm2)(x) : x, context);
  tap("attn2", y);
  x.add_(y);

  y = ffn(norm_modulate(x, ffn_scale, ffn_shift, eps));
  tap("ffn", y);
  return gated_add(std::move(x), y, ffn_gate);
}

}  // namespace genvid::wan
