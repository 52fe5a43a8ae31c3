// The genvid-tiny transformer (scripts/train/README.md, "Exact forward"): noisy latents with one
// noise level per latent frame, and a prompt, to the clean latents. Several prompts over the same
// latents go through as one batch. What does not change from step to step (keys and values of the
// text, rotary tables) is made apart.
#pragma once

#include <vector>

#include "families/genvid_tiny/camera.h"
#include "families/genvid_tiny/config.h"
#include "nn/linear.h"
#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid::genvid_tiny {

// Of every token's position, fp32 [L, K / 2]: pairs of all three groups, frame, row, column.
struct RopeTable {
  Tensor cos, sin;
};

// A prompt as a block sees it, [1, S, N, K].
struct KeyValues {
  Tensor k, v;
};

struct PromptContext {
  CameraMove camera;
  Tensor pooled;                  // fp32 [1, text_dim]
  std::vector<KeyValues> blocks;  // one per block
};

// The clip's first picture, as the camera sees it at each latent of a window; nothing without one.
struct Anchor {
  Tensor latents;      // fp32 [1, C, F, h, w], zero where the camera did not see that yet
  Tensor seen;         // fp32 [1, 1, F, h, w], what share of each position it saw
  bool ahead = false;  // of the window: it shows what the camera comes to see
};

struct TransformerBlock {
  int64_t heads;
  std::vector<int64_t> split;  // of a head, for the rotary positions
  Linear qkv, o, cq, ckv, co, w1, w2;
  Tensor mod;  // fp32 [6 D]

  TransformerBlock(const WeightMap& w, const TransformerConfig& c);
  KeyValues project(const Tensor& hidden) const;
  // x fp32 [B, L, D], which the block may overwrite; modulation fp32 [B, G, 6 D], row g of G for
  // the g-th run of L / G tokens; one context per batch row.
  Tensor operator()(Tensor x, const Tensor& modulation, const std::vector<KeyValues>& context,
                    const RopeTable& rope) const;

 private:
  Tensor self_attention(const Tensor& x, const RopeTable& rope) const;
  Tensor cross_attention(const Tensor& x, const std::vector<KeyValues>& context) const;
};

class Transformer {
 public:
  // dtype: of the matrix products; the stream between blocks and the modulation are fp32.
  Transformer(const WeightMap& w, const TransformerConfig& config, at::ScalarType dtype);

  const TransformerConfig& config() const { return config_; }
  const Camera& camera() const { return camera_; }

  RopeTable rope(int64_t frames, int64_t rows, int64_t columns) const;
  PromptContext context(const Tensor& hidden) const;  // fp32 [1, S, text_dim], real tokens alone
  // latent fp32 [1, C, 1, h, w], so many latents before the first of `frames`.
  Anchor anchor(const Tensor& latent, double age, int64_t frames, const CameraMove& move) const;
  // latents fp32 [1, C, F, h, w]; timesteps fp32 [G], 1000 times the noise level, G = 1 or F.
  // Returns x0 fp32 [B, C, F, h, w], a row per context. The camera is that of the first prompt:
  // the others are what guidance leads away from, of the same clip.
  Tensor forward(const Tensor& latents, const Tensor& timesteps,
                 const std::vector<const PromptContext*>& prompts, const RopeTable& rope,
                 const Anchor& anchor) const;

 private:
  TransformerConfig config_;
  at::ScalarType dtype_;
  Linear inp_, out_, keep_, hold_;
  Camera camera_;
  Tensor place_;  // fp32 [rows, columns, D]
  Linear t1_, t2_, pool_, ada_, mod_out_;
  std::vector<TransformerBlock> blocks_;
};

}  // namespace genvid::genvid_tiny
