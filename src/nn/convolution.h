// Convolutions over channels-last activations, shared by the 2-D and causal 3-D layers: one place
// that picks the back end. Activations are dense with the channels innermost, [B, T, H, W, C] or
// [N, H, W, C]; weights keep the checkpoint's [out, in, ...] order and are used in place.
#pragma once

#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid {

// x: [N, spatial..., in] with 2 or 3 spatial dimensions. Returns [N, spatial'..., out], dense.
Tensor convolve_channels_last(const Tensor& x, const Tensor& weight, const Tensor& bias,
                              at::IntArrayRef stride, at::IntArrayRef padding);

// A convolution whose kernel is 1 in every dimension: a linear layer over the channels.
struct PointwiseConv {
  Tensor weight, bias;  // [out, in, 1, ...], [out]
  // spatial_dims: how many ones the stored weight's shape ends in (2 or 3).
  PointwiseConv(const WeightMap& w, int64_t in, int64_t out, int64_t spatial_dims);
  Tensor operator()(const Tensor& x) const;              // [..., in] -> [..., out]
  Tensor first(const Tensor& x, int64_t outputs) const;  // only the first output channels
};

// 2-D, on frames [N, H, W, C].
struct Conv2d {
  Tensor weight, bias;  // [out, in, k, k], [out]
  int64_t stride, padding;
  Conv2d(const WeightMap& w, int64_t in, int64_t out, int64_t kernel, int64_t stride,
         int64_t padding);
  Tensor operator()(const Tensor& x) const;
};

}  // namespace genvid
