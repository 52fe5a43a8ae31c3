#include "pipeline/joint.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

#include "genvid/error.h"
#include "pipeline/past.h"

namespace genvid {
namespace {

Image grey(uint8_t value) { return {4, 2, std::vector<uint8_t>(24, value)}; }

// A video that the decoder does not quite know: the first new frame shows nearly all that the
// video's last one did, and after kFrames frames the decoder is by itself.
TEST(Joint, GoesOverToTheDecoder) {
  const Tensor seen = at::full({1, 3, 2, 2, 4}, 0.25);
  Joint joint(grey(255), seen);  // 0.75 brighter
  const Tensor fresh = at::rand({1, 3, 2 * Joint::kFrames, 2, 4});
  const Tensor first = joint(fresh.narrow(2, 0, 5));
  const Tensor rest = joint(fresh.narrow(2, 5, fresh.size(2) - 5));
  for (int64_t i = 0; i < fresh.size(2); ++i) {
    const Tensor got = i < 5 ? first.select(2, i) : rest.select(2, i - 5);
    const double left = std::max<double>(0.0, 1.0 - static_cast<double>(i + 1) / 13.0);
    EXPECT_TRUE(at::allclose(got, fresh.select(2, i).add(0.75 * left), 1e-5, 1e-6)) << i;
  }
}

TEST(Joint, ChangesNothingWithoutAVideo) {
  Joint joint;
  const Tensor frames = at::rand({1, 3, 3, 2, 4});
  EXPECT_TRUE(joint(frames).is_same(frames));
}

TEST(Joint, OnlyTheLastDecodedFrameCounts) {
  Tensor seen = at::rand({1, 3, 3, 2, 4});
  seen.select(2, 2).copy_(image_frame(grey(51)));
  Joint joint(grey(51), seen);
  const Tensor frames = at::rand({1, 3, 3, 2, 4});
  EXPECT_TRUE(at::allclose(joint(frames), frames, 0, 1e-6));
}

TEST(Joint, RefusesAFrameOfAnotherSize) {
  EXPECT_THROW(Joint(grey(0), at::rand({1, 3, 1, 4, 4})), Error);
}

}  // namespace
}  // namespace genvid
