// x / max(|x|, 1e-12) * sqrt(C) * gamma over the channels of each pixel, as the convolutional
// autoencoders of video models use it; optionally followed by SiLU, in one pass over memory.
// Activations are dense channels-last, [..., C].
#pragma once

#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid {

struct ChannelRmsNorm {
  Tensor gamma;  // [C, 1, ...] as stored
  // unit_dims: how many ones the stored shape ends in.
  ChannelRmsNorm(const WeightMap& w, int64_t channels, int64_t unit_dims);

  Tensor operator()(const Tensor& x) const;
  // out may be a slice along the frames of a larger tensor.
  void silu_into(const Tensor& x, const Tensor& out) const;

  // The specification, in ATen operators: any device, any float type.
  Tensor reference(const Tensor& x) const;

 private:
  void apply(const Tensor& x, const Tensor& out, bool silu) const;
};

}  // namespace genvid
