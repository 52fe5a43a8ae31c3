// Pixels to the moments of the latents, first one frame, then as many at a time as make one latent
// frame (WanEncoder3d).
#pragma once

#include <vector>

#include "families/wan/config.h"
#include "families/wan/vae_layers.h"

namespace genvid::wan {

struct DownBlock {
  std::vector<ResidualBlock> resnets;
  std::optional<Downsample> downsampler;
  // The averaging shortcut of 2.2; shortcut_out 0: none.
  int64_t shortcut_out = 0;
  int64_t shortcut_factor_t = 1;
  int64_t shortcut_factor_s = 1;

  Tensor operator()(const Tensor& x, CausalState& state, bool first_chunk) const;
};

struct VaeEncoder {
  CausalConv3d conv_in;
  std::vector<DownBlock> down_blocks;
  MidBlock mid_block;
  NormConv head;

  // w: the scope "encoder".
  VaeEncoder(const WeightMap& w, const VaeConfig& config);
  // x: [B, f, H, W, in_channels], patchified; f is 1 in a clip's first chunk, then a multiple of
  // the temporal factor. Returns [B, t, h, w, 2 * z_dim].
  Tensor operator()(const Tensor& x, CausalState& state, int64_t chunk) const;
};

}  // namespace genvid::wan
