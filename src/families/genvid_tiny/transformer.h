// The genvid-tiny transformer (scripts/train/README.md, "Exact forward"): noisy latents with one
// noise level per latent frame, and a prompt, to the clean latents.
#pragma once

#include <vector>

#include "families/genvid_tiny/camera.h"
#include "families/genvid_tiny/config.h"
#include "families/genvid_tiny/trunk.h"
#include "nn/linear.h"
#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid::genvid_tiny {

struct PromptContext : TextContext {
  CameraMove camera;
};

// The clip's first picture, as the camera sees it at each latent of a window; nothing without one.
struct Anchor {
  Tensor latents;      // fp32 [1, C, F, h, w], zero where the camera did not see that yet
  Tensor seen;         // fp32 [1, 1, F, h, w], what share of each position it saw
  bool ahead = false;  // of the window: it shows what the camera comes to see
  Tensor hard;         // fp32 [1, F * h * w, 1], Camera::hardness() where the camera stands
};

class Transformer {
 public:
  // dtype: as the trunk's.
  Transformer(const WeightMap& w, const TransformerConfig& config, at::ScalarType dtype);

  const TransformerConfig& config() const { return config_; }
  const Camera& camera() const { return camera_; }
  const Trunk& trunk() const { return trunk_; }

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
  Trunk trunk_;
  Linear out_, keep_, hold_;
  Camera camera_;
};

}  // namespace genvid::genvid_tiny
