// ChannelRmsNorm's fused loop against its formula in ATen operators.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "nn/channel_rms_norm.h"
#include "support/weights.h"

namespace genvid {
namespace {

using test::TempDir;
using test::weights_of;

Tensor silu_of(const ChannelRmsNorm& norm, const Tensor& x) {
  Tensor out = at::empty_like(x);
  norm.silu_into(x, out);
  return out;
}

double max_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

class ChannelNorm : public testing::TestWithParam<int64_t> {
 protected:
  ChannelNorm()
      : gamma(at::randn({GetParam(), 1, 1, 1})),
        norm(weights_of(dir, {{"gamma", gamma}}), GetParam(), 3),
        x(at::randn({1, 3, 17, 13, GetParam()}) * 3.0) {}

  TempDir dir;
  Tensor gamma;
  ChannelRmsNorm norm;
  Tensor x;
};

TEST_P(ChannelNorm, MatchesItsFormula) {
  const Tensor d = x.to(at::kDouble);
  const Tensor expected = d / d.square().sum(-1, true).sqrt() *
                          std::sqrt(static_cast<double>(GetParam())) *
                          gamma.flatten().to(at::kDouble);
  EXPECT_LT(max_difference(norm(x), expected), 5e-6);
  EXPECT_LT(max_difference(norm.reference(x), expected), 5e-6);
  EXPECT_LT(max_difference(silu_of(norm, x), at::silu(expected)), 5e-6);
}

TEST_P(ChannelNorm, Bf16RoundsOnce) {
  const Tensor half = x.to(at::kBFloat16);
  const Tensor exact = at::silu(norm.reference(half.to(at::kFloat)));
  const Tensor fused = silu_of(norm, half);
  // Half a unit in the last place of bfloat16, and a little for the order of the sums.
  const Tensor allowed = exact.abs() * (0.5 / 128 + 1e-4) + 1e-6;
  EXPECT_TRUE((fused.to(at::kFloat) - exact).abs().le(allowed).all().item<bool>());
}

TEST_P(ChannelNorm, WritesIntoASliceOfALargerClip) {
  const Tensor clip = at::full({1, 5, 17, 13, GetParam()}, 7.0);
  norm.silu_into(x, clip.narrow(1, 2, 3));
  EXPECT_TRUE(clip.narrow(1, 2, 3).equal(silu_of(norm, x)));
  EXPECT_TRUE(clip.narrow(1, 0, 2).eq(7.0).all().item<bool>());
}

INSTANTIATE_TEST_SUITE_P(Channels, ChannelNorm, testing::Values(2, 3, 12, 16, 40, 96, 384));

TEST(ChannelRmsNorm, SiluIsAccurateOverItsWholeRange) {
  // Two channels (a, 0) normalise to (sqrt(2) * gamma * sign(a), 0).
  const Tensor points = at::linspace(-120.0, 120.0, 4001);
  double worst = 0;
  for (int64_t i = 0; i < points.numel(); i += 40) {
    const float v = points[i].item<float>();
    const TempDir own;
    const ChannelRmsNorm norm(weights_of(own, {{"gamma", at::full({2, 1, 1}, v)}}), 2, 2);
    Tensor x = at::zeros({1, 1, 1, 1, 2});
    x[0][0][0][0][0] = 3.0;
    const double y = std::sqrt(2.0) * v;
    const double expected = y / (1.0 + std::exp(-y));
    const double got = silu_of(norm, x)[0][0][0][0][0].item<double>();
    worst = std::max(worst, std::abs(got - expected) / std::max(1e-3, std::abs(expected)));
  }
  EXPECT_LT(worst, 2e-6);
}

TEST(ChannelRmsNorm, ZeroStaysZeroAndNanStaysNan) {
  const TempDir dir;
  const ChannelRmsNorm norm(weights_of(dir, {{"gamma", at::full({20, 1, 1}, 1.5)}}), 20, 2);
  Tensor x = at::zeros({1, 1, 1, 3, 20});
  x[0][0][0][1][4] = std::numeric_limits<float>::quiet_NaN();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const Tensor y = silu_of(norm, x.to(type));
    EXPECT_TRUE(y[0][0][0][0].eq(0).all().item<bool>());
    EXPECT_TRUE(y[0][0][0][1].isnan().all().item<bool>());
    EXPECT_TRUE(y[0][0][0][2].eq(0).all().item<bool>());
  }
}

}  // namespace
}  // namespace genvid
