#include "nn/convolution.h"

#include <ATen/Context.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mkldnn_convolution.h>

#include <vector>

#include "tensor/room.h"

namespace genvid {
namespace {

// at::convolution sends fp32 3-D convolutions with few channels to an im2col loop that is 10 times
// slower than oneDNN (measured: 3 to 12 channels), so oneDNN is asked for by name.
bool use_onednn(const Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && at::globalContext().hasMKLDNN() &&
         at::globalContext().userEnabledMkldnn();
}

Tensor channels_second(const Tensor& x) {
  return x.dim() == 4 ? x.permute({0, 3, 1, 2}) : x.permute({0, 4, 1, 2, 3});
}

Tensor channels_last(const Tensor& x) {
  return (x.dim() == 4 ? x.permute({0, 2, 3, 1}) : x.permute({0, 2, 3, 4, 1})).contiguous();
}

// The output, and copies of input and weight in the order that oneDNN likes.
void require_onednn_room(const Tensor& x, const Tensor& weight, at::IntArrayRef stride,
                         at::IntArrayRef padding) {
  int64_t values = x.size(0) * weight.size(0);
  for (size_t d = 0; d < stride.size(); ++d) {
    const auto side = static_cast<int64_t>(d);
    values *= (x.size(side + 1) + 2 * padding[d] - weight.size(side + 2)) / stride[d] + 1;
  }
  require_room(2 * (x.nbytes() + weight.nbytes()) + static_cast<uint64_t>(values) * sizeof(float));
}

}  // namespace

Tensor convolve_channels_last(const Tensor& x, const Tensor& weight, const Tensor& bias,
                              at::IntArrayRef stride, at::IntArrayRef padding) {
  const std::vector<int64_t> ones(stride.size(), 1);
  const Tensor input = channels_second(x);
  if (use_onednn(x)) {
    require_onednn_room(x, weight, stride, padding);
    return channels_last(
        at::mkldnn_convolution(input, weight, bias, padding, stride, ones, /*groups=*/1));
  }
  const std::vector<int64_t> zeros(stride.size(), 0);
  return channels_last(at::convolution(input, weight, bias, stride, padding, ones,
                                       /*transposed=*/false, zeros, /*groups=*/1));
}

PointwiseConv::PointwiseConv(const WeightMap& w, int64_t in, int64_t out, int64_t spatial_dims) {
  std::vector<int64_t> shape(static_cast<size_t>(2 + spatial_dims), 1);
  shape[0] = out;
  shape[1] = in;
  weight = w.get("weight", shape);
  bias = w.get("bias", {out});
}

Tensor PointwiseConv::operator()(const Tensor& x) const { return first(x, weight.size(0)); }

Tensor PointwiseConv::first(const Tensor& x, int64_t outputs) const {
  return at::linear(x, weight.flatten(1).narrow(0, 0, outputs), bias.narrow(0, 0, outputs));
}

Conv2d::Conv2d(const WeightMap& w, int64_t in, int64_t out, int64_t kernel, int64_t stride,
               int64_t padding)
    : weight(w.get("weight", {out, in, kernel, kernel})),
      bias(w.get("bias", {out})),
      stride(stride),
      padding(padding) {}

Tensor Conv2d::operator()(const Tensor& x) const {
  return convolve_channels_last(x, weight, bias, {stride, stride}, {padding, padding});
}

}  // namespace genvid
