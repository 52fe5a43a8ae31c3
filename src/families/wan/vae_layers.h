// The parts that the encoder and the decoder of the causal video autoencoder share
// (diffusers 0.42, autoencoder_kl_wan.py). Activations are dense channels-last, [B, t, H, W, C];
// what a clip leaves for its next chunk lies in the CausalState that each call takes.
#pragma once

#include <optional>
#include <vector>

#include "nn/causal_conv3d.h"
#include "nn/channel_rms_norm.h"
#include "nn/convolution.h"
#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid::wan {

// Norm, SiLU and causal convolution.
struct NormConv {
  ChannelRmsNorm norm;
  CausalConv3d conv;
  NormConv(const WeightMap& norm_scope, const WeightMap& conv_scope, int64_t in, int64_t out);
  // Frees x (when the caller moved it in) before the convolution allocates its result.
  Tensor operator()(Tensor x, CausalState& state) const;
};

struct ResidualBlock {
  NormConv first, second;
  std::optional<PointwiseConv> shortcut;
  ResidualBlock(const WeightMap& w, int64_t in, int64_t out);
  Tensor operator()(const Tensor& x, CausalState& state) const;
};

// One head, over the pixels of each frame by itself.
struct AttentionBlock {
  ChannelRmsNorm norm;
  PointwiseConv to_qkv, proj;
  AttentionBlock(const WeightMap& w, int64_t dim);
  Tensor operator()(const Tensor& x) const;
};

struct MidBlock {
  ResidualBlock first;
  AttentionBlock attention;
  ResidualBlock second;
  MidBlock(const WeightMap& w, int64_t dim);
  Tensor operator()(const Tensor& x, CausalState& state) const;
};

// Twice the rows and columns; with `temporal` also twice the frames, except for a clip's first,
// which stays one.
struct Upsample {
  std::optional<CausalConv3d> time_conv;
  Conv2d conv;
  Upsample(const WeightMap& w, int64_t in, int64_t out, bool temporal);
  Tensor operator()(const Tensor& x, CausalState& state, bool first_chunk) const;
};

// Half the rows and columns; with `temporal` also half the frames, except for a clip's first.
struct Downsample {
  Conv2d conv;
  std::optional<CausalConv3d> time_conv;
  Downsample(const WeightMap& w, int64_t dim, bool temporal);
  Tensor operator()(const Tensor& x, CausalState& state, bool first_chunk) const;
};

// Adds to y the parameter-free shortcut of a 2.2 up block: each value of x, repeated over the
// channels until they fill out * factor, spread over factor_t frames and 2 x 2 pixels.
void add_duplicated(const Tensor& x, Tensor& y, int64_t factor_t, bool first_chunk);

// The shortcut of a 2.2 down block: means over groups of channels and neighbouring pixels.
Tensor average_down(const Tensor& x, int64_t out, int64_t factor_t, int64_t factor_s);

}  // namespace genvid::wan
