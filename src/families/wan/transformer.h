// The Wan transformer (diffusers' WanTransformer3DModel): latents, timestep, text and image tokens
// to a velocity. What does not change from step to step (text and image tokens, their keys and
// values, rotary tables) is made apart from the forward pass, so that a caller can keep it.
#pragma once

#include <optional>
#include <vector>

#include "families/wan/transformer_block.h"

namespace genvid::wan {

struct TimeEmbedder {
  int64_t freq_dim;
  Linear linear_1, linear_2;  // fp32
  Linear time_proj;
  TimeEmbedder(const WeightMap& w, const TransformerConfig& c);
};

struct TextEmbedder {
  Linear linear_1, linear_2;
  TextEmbedder(const WeightMap& w, const TransformerConfig& c);
  Tensor operator()(const Tensor& prompt_embeds) const;
};

struct ImageEmbedder {
  Tensor pos_embed;  // undefined, or [1, S, image_dim]
  LayerNorm norm1;
  Linear up, down;
  LayerNorm norm2;
  ImageEmbedder(const WeightMap& w, const TransformerConfig& c);
  Tensor operator()(const Tensor& image_embeds) const;
};

// Told only to checkpoints with inject_sample_info: 16 frames a second, or another rate.
struct FpsEmbedding {
  Tensor table;  // [2, D]
  Linear up, down;
  FpsEmbedding(const WeightMap& w, const TransformerConfig& c);
  Tensor operator()(double fps) const;  // [6 D]
};

// How one pass differs from that of a whole clip.
struct PassOptions {
  // The latents are the cache's current block, and rope has its positions in the clip.
  KvRing* cache = nullptr;
  int64_t block_frames = 0;  // > 0: latent frames see their block of so many and those before it
  double fps = 24;
};

class Transformer {
 public:
  Transformer(const WeightMap& w, const TransformerConfig& config, at::ScalarType dtype);

  const TransformerConfig& config() const { return config_; }
  at::ScalarType dtype() const { return dtype_; }

  // Positions of a grid of tokens, width fastest. Throws Error(kUsage) beyond rope_max_seq_len.
  RopeTable rope(int64_t frames, int64_t rows, int64_t columns, int64_t first_frame = 0) const;
  // Keys and values of every block. image_embeds may be undefined.
  std::vector<KeyValues> context(const Tensor& prompt_embeds, const Tensor& image_embeds) const;
  // latents [1, C, T, H, W] in the compute dtype; timesteps fp32 [G], G = 1 or T. Returns
  // [1, C', T, H, W] in the compute dtype.
  Tensor forward(const Tensor& latents, const Tensor& timesteps,
                 const std::vector<KeyValues>& context, const RopeTable& rope,
                 const PassOptions& options = {}) const;

  // Names each tapped time tensor once per token, as models with a timestep per token record them.
  bool tap_time_per_token = false;

 private:
  struct TimeEmbedding {
    Tensor temb;       // fp32 [1, G, D]
    Tensor time_proj;  // fp32 [1, G, 6, D]
  };

  Tensor patchify(const Tensor& latents) const;
  Tensor unpatchify(const Tensor& tokens, at::IntArrayRef grid) const;
  TimeEmbedding embed_time(const Tensor& timesteps, int64_t tokens, double fps) const;
  void tap_time(const char* name, const Tensor& value, int64_t tokens) const;

  TransformerConfig config_;
  at::ScalarType dtype_;
  Tensor patch_weight_, patch_bias_;  // [D, C, 1, rows, columns], [D]
  TimeEmbedder time_embedder_;
  TextEmbedder text_embedder_;
  std::optional<ImageEmbedder> image_embedder_;
  std::optional<FpsEmbedding> fps_embedding_;
  std::vector<TransformerBlock> blocks_;
  Linear proj_out_;
  Tensor scale_shift_table_;  // fp32 [1, 2, D]
};

}  // namespace genvid::wan
