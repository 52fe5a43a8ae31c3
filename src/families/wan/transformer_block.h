// One block of the Wan transformer: self-attention with rotary positions, cross-attention to the
// text (and, in 2.1 image models, to the image tokens), feed-forward; the first and the last are
// modulated by the timestep. Follows diffusers' WanTransformerBlock.
#pragma once

#include <optional>

#include "families/wan/config.h"
#include "nn/kv_ring.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace genvid::wan {

// Cosines and sines of every token's position, fp32 [L, K / 2].
struct RopeTable {
  Tensor cos, sin;
};

// What self-attention sees besides its own tokens, or of them: the finished blocks in a ring; or,
// of `block` tokens each, a token's own block and those before it; or, with neither, all tokens.
struct Sight {
  KvLayer cache;
  int64_t block = 0;
};

// What cross-attention needs of a prompt: it does not change from step to step. [1, S, N, K].
struct KeyValues {
  Tensor k, v;
  Tensor image_k, image_v;  // undefined without image tokens
};

// q, k, v, out: the part that both attentions share. Norms run over all heads together.
struct AttentionProjections {
  int64_t heads;
  Linear to_q, to_k, to_v, to_out;
  RmsNorm norm_q, norm_k;

  AttentionProjections(const WeightMap& w, const TransformerConfig& c);
  Tensor split(const Tensor& x) const { return x.unflatten(-1, {heads, -1}); }
};

struct SelfAttention : AttentionProjections {
  using AttentionProjections::AttentionProjections;
  // With a cache, x is the current block of latent frames, which sees the earlier ones as well.
  Tensor operator()(const Tensor& x, const RopeTable& rope, const Sight& sight) const;
};

struct CrossAttention : AttentionProjections {
  std::optional<Linear> add_k_proj, add_v_proj;
  std::optional<RmsNorm> norm_added_k;

  CrossAttention(const WeightMap& w, const TransformerConfig& c);
  // text, image: embedded tokens [1, S, D]; image may be undefined.
  KeyValues project(const Tensor& text, const Tensor& image) const;
  Tensor operator()(const Tensor& x, const KeyValues& context) const;
};

struct FeedForward {
  Linear up, down;
  FeedForward(const WeightMap& w, int64_t dim, int64_t inner);
  Tensor operator()(const Tensor& x) const;
};

struct TransformerBlock {
  double eps;
  SelfAttention attn1;
  CrossAttention attn2;
  std::optional<LayerNorm> norm2;  // before attn2
  FeedForward ffn;
  Tensor scale_shift_table;  // fp32 [1, 6, D]

  TransformerBlock(const WeightMap& w, const TransformerConfig& c);
  // x [1, L, D], which the block may overwrite; time_proj fp32 [1, G, 6, D], row g of G for the
  // g-th run of L / G tokens.
  Tensor operator()(Tensor x, const Tensor& time_proj, const KeyValues& context,
                    const RopeTable& rope, const Sight& sight) const;
};

}  // namespace genvid::wan
