#include "pipeline/rollout_continue.h"

#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include <numeric>

namespace genvid {
namespace {

TEST(Chain, GivesAtLeastWhatIsAskedOnTheGrid) {
  for (int64_t frames = 1; frames < 500; ++frames) {
    const auto clips = chain_frames(frames, 81, 4);
    int64_t total = std::accumulate(clips.begin(), clips.end(), int64_t{0});
    total -= static_cast<int64_t>(clips.size()) - 1;  // repeated boundary frames
    ASSERT_GE(total, frames);
    ASSERT_LT(total, frames + 4);
    for (const int64_t c : clips) {
      ASSERT_EQ((c - 1) % 4, 0);
      ASSERT_LE(c, 81);
    }
  }
}

TEST(Chain, BehindAVideoTheFirstClipRepeatsItsLastFrameToo) {
  EXPECT_EQ(chain_frames(360, 121, 4, true), (std::vector<int64_t>{121, 121, 121}));
  EXPECT_EQ(chain_frames(120, 121, 4, true), (std::vector<int64_t>{121}));
  EXPECT_EQ(chain_frames(121, 121, 4, true), (std::vector<int64_t>{121, 5}));
}

TEST(Chain, FifteenSecondsAt24AreThreeClips) {
  EXPECT_EQ(chain_frames(360, 121, 4), (std::vector<int64_t>{121, 121, 121}));
}

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
