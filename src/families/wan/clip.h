// The CLIP vision encoder (transformers' CLIPVisionModel) up to its last layer but one, whose
// output image-conditioned Wan 2.1 models take.
#pragma once

#include <memory>
#include <vector>

#include "families/family.h"
#include "families/wan/config.h"
#include "nn/linear.h"
#include "nn/norm.h"

namespace genvid::wan {

struct ClipLayer {
  int64_t heads;
  bool quick_gelu;
  LayerNorm layer_norm1, layer_norm2;
  Linear q_proj, k_proj, v_proj, out_proj;
  Linear fc1, fc2;

  ClipLayer(const WeightMap& w, const ImageEncoderConfig& c);
  Tensor operator()(const Tensor& x) const;
};

class ClipVisionEncoder {
 public:
  ClipVisionEncoder(const WeightMap& w, const ImageEncoderConfig& config);
  // pixels fp32 [n, 3, S, S] -> hidden_states[-2], fp32 [n, tokens, hidden_size].
  Tensor operator()(const Tensor& pixels) const;

 private:
  ImageEncoderConfig config_;
  Tensor class_embedding_, patch_weight_, position_embedding_;
  LayerNorm pre_layrnorm_;  // spelt as in the checkpoints
  std::vector<ClipLayer> layers_;
};

// Always in fp32, as the reference pipelines are used: it runs once per clip.
ClipVisionEncoder load_clip(const LoadContext& context);

}  // namespace genvid::wan
