#include "pipeline/compare.h"

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>

#include "pipeline/text_to_video.h"

namespace genvid {
namespace {

TEST(Compare, GatesFailJustAbove) {
  const Tensor ref = at::ones({2, 3});
  EXPECT_TRUE(compare_max_abs("x", ref.add(0.9e-4), ref, 1e-4).passed);
  EXPECT_FALSE(compare_max_abs("x", ref.add(1.1e-4), ref, 1e-4).passed);
  EXPECT_FALSE(compare_relative_rms("x", ref.mul(1.03), ref, 2e-2).passed);
  EXPECT_TRUE(compare_relative_rms("x", ref.mul(1.01), ref, 2e-2).passed);
}

TEST(Compare, NanNeverPasses) {
  const Tensor ref = at::ones({4});
  EXPECT_FALSE(
      compare_max_abs("x", at::full({4}, std::numeric_limits<double>::quiet_NaN()), ref, 1).passed);
}

TEST(Compare, ShapesThatDoNotMatchFailWithANote) {
  const CheckLine line = compare_max_abs("x", at::ones({2, 5}), at::ones({3, 4}), 1);
  EXPECT_FALSE(line.passed);
  EXPECT_NE(line.note.find("[3, 4]"), std::string::npos);
}

TEST(Compare, OneRowPerFrameMatchesOneRowPerToken) {
  const Tensor ours = at::ones({1, 2, 4});
  EXPECT_TRUE(compare_max_abs("x", ours, at::ones({1, 6, 4}), 1e-6).passed);
}

TEST(Compare, BytesMayBeOffByOneRarely) {
  const Tensor ref = at::zeros({1000}, at::kByte);
  Tensor ours = ref.clone();
  ours[3] = 1;
  EXPECT_TRUE(compare_bytes("x", ours, ref).passed);
  ours[3] = 2;
  EXPECT_FALSE(compare_bytes("x", ours, ref).passed);
  EXPECT_FALSE(compare_bytes("x", at::ones({1000}, at::kByte), ref).passed);
}

TEST(Pinned, FramesAreHeldAndGetTimestepZero) {
  Conditioning c;
  c.pinned_latents = at::full({1, 2, 3, 1, 1}, 7.0);
  c.pinned = {true, false, false};
  const Tensor x = at::zeros({1, 2, 3, 1, 1});
  const Tensor held = pin_latents(x, c);
  EXPECT_EQ(held[0][0][0][0][0].item<float>(), 7.0f);
  EXPECT_EQ(held[0][1][1][0][0].item<float>(), 0.0f);
  EXPECT_EQ(x[0][0][0][0][0].item<float>(), 0.0f) << "the solver's own latents stay as they are";
  const Tensor t = frame_timesteps(500.0, 3, c, at::kCPU);
  EXPECT_EQ(t[0][0].item<float>(), 0.0f);
  EXPECT_EQ(t[0][2].item<float>(), 500.0f);
}

}  // namespace
}  // namespace genvid
