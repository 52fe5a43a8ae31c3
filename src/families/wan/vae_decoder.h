// Latents to pixels, one latent frame at a time (WanDecoder3d).
#pragma once

#include <vector>

#include "families/wan/config.h"
#include "families/wan/vae_layers.h"

namespace genvid::wan {

struct UpBlock {
  std::vector<ResidualBlock> resnets;
  std::optional<Upsample> upsampler;
  int64_t shortcut_factor_t = 0;  // 0: no duplicated shortcut

  Tensor operator()(const Tensor& x, CausalState& state, bool first_chunk) const;
};

struct VaeDecoder {
  CausalConv3d conv_in;
  MidBlock mid_block;
  std::vector<UpBlock> up_blocks;
  NormConv head;

  // w: the scope "decoder".
  VaeDecoder(const WeightMap& w, const VaeConfig& config);
  // z: [B, t, h, w, z_dim] after post_quant_conv; t is 1 in a clip's first chunk. `chunk` counts
  // from 0. Returns [B, f, H, W, out_channels], not clamped.
  Tensor operator()(const Tensor& z, CausalState& state, int64_t chunk) const;
};

}  // namespace genvid::wan
