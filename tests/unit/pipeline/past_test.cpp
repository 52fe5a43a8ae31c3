#include "pipeline/past.h"

#include <gtest/gtest.h>

namespace genvid {
namespace {

Image grey(uint8_t value) { return {2, 2, std::vector<uint8_t>(12, value)}; }

TEST(Past, FirstFrameStandsStillWhereFramesAreMissing) {
  ClipSpec spec;
  spec.past = {grey(0), grey(255), grey(51)};
  const Tensor last = past_frames(spec, 2);
  EXPECT_EQ(last.sizes().vec(), (std::vector<int64_t>{1, 3, 2, 2, 2}));
  EXPECT_FLOAT_EQ(last[0][0][0][0][0].item<float>(), 1.0f);
  EXPECT_NEAR(last[0][2][1][1][1].item<float>(), -0.6, 1e-6);
  const Tensor more = past_frames(spec, 5);
  for (int i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(more[0][1][i][0][1].item<float>(), -1.0f);
  EXPECT_FLOAT_EQ(more[0][1][3][0][1].item<float>(), 1.0f);
}

TEST(Past, BehindAVideoEveryLatentIsWhole) {
  ClipSpec spec;
  spec.frames = 9;
  const Geometry geometry;  // 1 + 4 n
  EXPECT_EQ(latents_to_make(spec, geometry), 3);
  spec.past = {grey(0)};
  EXPECT_EQ(latents_to_make(spec, geometry), 3);
  spec.frames = 8;
  EXPECT_EQ(latents_to_make(spec, geometry), 2);
}

}  // namespace
}  // namespace genvid
