#include "pipeline/rollout_continue.h"

#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

namespace genvid {
namespace {

TEST(ColorMatch, LeavesAnEqualFrameAlone) {
  const Tensor x = at::arange(48, at::kFloat).div(40).sub(0.6).view({1, 3, 1, 4, 4});
  const ColorMatch match(x, x);
  EXPECT_LE(match(x).sub(x).abs().max().item<float>(), 1e-6);
}

TEST(ColorMatch, MovesHalfwayToTheBoundary) {
  const Tensor own = at::arange(48, at::kFloat).div(100).view({1, 3, 1, 4, 4});
  const Tensor boundary = own.add(0.2);
  const ColorMatch match(own, boundary);
  const double moved = match(own).mean().item<double>() - own.mean().item<double>();
  EXPECT_NEAR(moved, 0.1, 1e-4);
}

}  // namespace
}  // namespace genvid
