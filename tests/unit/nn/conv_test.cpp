// The convolution layers against ATen's own on the whole clip, padded by hand.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv3d.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <vector>

#include "nn/causal_conv3d.h"
#include "nn/convolution.h"
#include "support/expect_error.h"
#include "support/weights.h"

namespace genvid {
namespace {

using test::TempDir;
using test::weights_of;

double max_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

Tensor channels_last(const Tensor& x) {
  return x.dim() == 4 ? x.permute({0, 2, 3, 1}).contiguous()
                      : x.permute({0, 2, 3, 4, 1}).contiguous();
}

struct CausalCase {
  CausalConv3d::Shape shape;
  int64_t batch, frames, rows, columns;
};

void PrintTo(const CausalCase& c, std::ostream* out) {
  *out << c.shape.in << " to " << c.shape.out << " channels, kernel " << c.shape.kernel[0] << "x"
       << c.shape.kernel[1] << "x" << c.shape.kernel[2] << ", " << c.frames << " frames";
}

class CausalConv : public testing::TestWithParam<CausalCase> {
 protected:
  CausalConv()
      : c(GetParam()),
        // Scaled so that the outputs are of order one and the tolerances mean rounding.
        weight(at::randn({c.shape.out, c.shape.in, c.shape.kernel[0], c.shape.kernel[1],
                          c.shape.kernel[2]}) *
               (1.0 / std::sqrt(static_cast<double>(c.shape.in * c.shape.kernel[0] *
                                                    c.shape.kernel[1] * c.shape.kernel[2])))),
        bias(at::randn({c.shape.out})),
        x(at::randn({c.batch, c.shape.in, c.frames, c.rows, c.columns})),
        conv(weights_of(dir, {{"weight", weight}, {"bias", bias}}), c.shape) {}

  // In double, [B, t, H, W, C].
  Tensor whole() const {
    const Tensor padded = at::constant_pad_nd(x, {0, 0, 0, 0, conv.past(), 0});
    return channels_last(at::conv3d(padded.to(at::kDouble), weight.to(at::kDouble),
                                    bias.to(at::kDouble), {c.shape.stride_t, 1, 1},
                                    {0, c.shape.kernel[1] / 2, c.shape.kernel[2] / 2}));
  }

  Tensor in_chunks(const std::vector<int64_t>& plan) const {
    CausalState state;
    std::vector<Tensor> parts;
    int64_t begin = 0;
    for (const int64_t t : plan) {
      state.rewind();
      parts.push_back(conv(channels_last(x.narrow(2, begin, t)), state));
      begin += t;
    }
    EXPECT_EQ(begin, c.frames);
    return at::cat(parts, 1);
  }

  CausalCase c;
  TempDir dir;
  Tensor weight, bias, x;
  CausalConv3d conv;
};

TEST_P(CausalConv, IsTheConvolutionOfTheClipPaddedInFront) {
  EXPECT_LT(max_difference(in_chunks({c.frames}), whole()), 2e-5);
}

TEST_P(CausalConv, ChunksGiveTheWhole) {
  const int64_t s = c.shape.stride_t;
  const int64_t n = c.frames / s;
  const std::vector<int64_t> singles(static_cast<size_t>(n), s);
  EXPECT_LT(max_difference(in_chunks(singles), whole()), 2e-5);
  EXPECT_LT(max_difference(in_chunks({s, (n - 1) * s}), whole()), 2e-5);
  EXPECT_LT(max_difference(in_chunks({(n - 2) * s, s, s}), whole()), 2e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, CausalConv,
    testing::Values(CausalCase{{.in = 3, .out = 5}, 1, 6, 7, 9},
                    CausalCase{{.in = 16, .out = 32}, 1, 6, 5, 8},
                    CausalCase{{.in = 12, .out = 12}, 2, 8, 6, 4},
                    CausalCase{{.in = 6, .out = 4, .kernel = {5, 1, 3}}, 1, 9, 1, 6},
                    CausalCase{{.in = 8, .out = 16, .kernel = {3, 1, 1}}, 1, 6, 4, 4},
                    CausalCase{
                        {.in = 8, .out = 8, .kernel = {3, 1, 1}, .stride_t = 2}, 1, 8, 4, 4}));

TEST(CausalConv3d, LaterFramesDoNotChangeEarlierOnes) {
  const TempDir dir;
  const CausalConv3d conv(
      weights_of(dir, {{"weight", at::randn({4, 4, 3, 3, 3})}, {"bias", at::randn({4})}}),
      {.in = 4, .out = 4});
  const Tensor a = at::randn({1, 5, 6, 6, 4});
  Tensor b = a.clone();
  b.narrow(1, 3, 2).add_(1.0);
  CausalState state_a, state_b;
  const Tensor ya = conv(a, state_a), yb = conv(b, state_b);
  EXPECT_TRUE(ya.narrow(1, 0, 3).equal(yb.narrow(1, 0, 3)));
  EXPECT_FALSE(ya.narrow(1, 3, 1).equal(yb.narrow(1, 3, 1)));
}

TEST(CausalConv3d, TwoLayersKeepTheirFramesApart) {
  const TempDir dir_a, dir_b;
  const CausalConv3d a(
      weights_of(dir_a, {{"weight", at::randn({4, 4, 3, 3, 3})}, {"bias", at::randn({4})}}),
      {.in = 4, .out = 4});
  const CausalConv3d b(
      weights_of(dir_b, {{"weight", at::randn({4, 4, 3, 1, 1})}, {"bias", at::randn({4})}}),
      {.in = 4, .out = 4, .kernel = {3, 1, 1}});
  const Tensor x = at::randn({1, 6, 5, 5, 4});
  CausalState whole_state;
  const Tensor whole = b(a(x, whole_state), whole_state);
  CausalState state;
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < 6; i += 2) {
    state.rewind();
    parts.push_back(b(a(x.narrow(1, i, 2), state), state));
  }
  EXPECT_LT(max_difference(at::cat(parts, 1), whole), 1e-4);
}

TEST(CausalConv3d, RejectsAMisshapenWeight) {
  const TempDir dir;
  const WeightMap w = weights_of(dir, {{"weight", at::randn({4, 3, 3, 3, 3})},  //
                                       {"bias", at::randn({4})}});
  test::expect_error(ErrorKind::kModel, "expected [4, 5, 3, 3, 3]",
                     [&] { CausalConv3d(w, {.in = 5, .out = 4}); });
}

TEST(Conv2d, MatchesAten) {
  for (const int64_t channels : {3, 8, 20}) {
    for (const int64_t stride : {1, 2}) {
      const TempDir dir;
      // Sums of about 1, as in a network: what is left is rounding.
      const double fan_in = static_cast<double>(channels) * 9;
      const Tensor weight = at::randn({6, channels, 3, 3}).div(std::sqrt(fan_in));
      const Tensor bias = at::randn({6});
      const Tensor x = at::randn({3, channels, 9, 11});
      const Conv2d conv(weights_of(dir, {{"weight", weight}, {"bias", bias}}), channels, 6, 3,
                        stride, 1);
      const Tensor expected = at::conv2d(x.to(at::kDouble), weight.to(at::kDouble),
                                         bias.to(at::kDouble), {stride, stride}, {1, 1});
      EXPECT_LT(max_difference(conv(channels_last(x)), channels_last(expected)), 2e-5);
    }
  }
}

TEST(PointwiseConv, IsALinearLayerOverTheChannels) {
  const TempDir dir;
  const Tensor weight = at::randn({10, 6, 1, 1, 1}), bias = at::randn({10});
  const Tensor x = at::randn({1, 6, 3, 4, 5});
  const PointwiseConv conv(weights_of(dir, {{"weight", weight}, {"bias", bias}}), 6, 10, 3);
  const Tensor expected =
      channels_last(at::conv3d(x.to(at::kDouble), weight.to(at::kDouble), bias.to(at::kDouble)));
  EXPECT_LT(max_difference(conv(channels_last(x)), expected), 1e-5);
  EXPECT_LT(max_difference(conv.first(channels_last(x), 4), expected.narrow(4, 0, 4)), 1e-5);
}

}  // namespace
}  // namespace genvid
