#include "pipeline/anchors.h"

#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include <utility>

namespace genvid {
namespace {

// Latent frames [1, 1, count, 1, 1] that hold their own position in the clip.
Tensor frames(int64_t from, int64_t count) {
  return at::arange(from, from + count, at::kFloat).view({1, 1, count, 1, 1});
}

// What a window that begins at `start` is shown: position and age; -1 for nothing.
std::pair<float, int64_t> shown(const Anchors& anchors, int64_t start) {
  Conditioning c;
  anchors.show(c, start);
  EXPECT_EQ(c.start.latents.defined(), c.anchor.latents.defined());
  if (!c.anchor.latents.defined()) return {-1.0F, c.anchor.age};
  EXPECT_EQ(c.anchor.latents.sizes(), (at::IntArrayRef{1, 1, 1, 1, 1}));
  return {c.anchor.latents.item<float>(), c.anchor.age};
}

using Shown = std::pair<float, int64_t>;

TEST(Anchors, TheFirstUntilItsReachEnds) {
  Anchors anchors(6);
  anchors.begin(0);
  EXPECT_EQ(shown(anchors, 0), Shown(-1, 0));
  anchors.add(frames(0, 1), 0);
  EXPECT_EQ(shown(anchors, 0), Shown(0, 0));
  anchors.add(frames(1, 4), 1);
  EXPECT_EQ(shown(anchors, 3), Shown(0, 3));
  anchors.add(frames(5, 3), 5);
  // The next is there, but inside of the history of a window that begins at 5.
  EXPECT_EQ(shown(anchors, 5), Shown(0, 5));
  EXPECT_EQ(shown(anchors, 6), Shown(6, 0));
  anchors.add(frames(8, 30), 8);
  EXPECT_EQ(shown(anchors, 36), Shown(36, 0));
  EXPECT_EQ(shown(anchors, 35), Shown(30, 5));
  Conditioning c;
  anchors.show(c, 36);
  EXPECT_EQ(c.start.latents.item<float>(), 0);
  EXPECT_EQ(c.start.age, 36);
}

TEST(Anchors, ANewPromptBeginsAnew) {
  Anchors anchors(6);
  anchors.begin(-2);  // a video lies before the clip
  anchors.add(frames(-2, 2), -2);
  EXPECT_EQ(shown(anchors, -2), Shown(-2, 0));
  anchors.add(frames(0, 3), 0);
  EXPECT_EQ(shown(anchors, 1), Shown(-2, 3));
  anchors.begin(2);
  EXPECT_EQ(shown(anchors, 3), Shown(-1, 0));
  anchors.add(frames(2, 2), 2);
  anchors.add(frames(4, 3), 4);
  EXPECT_EQ(shown(anchors, 5), Shown(2, 3));
}

TEST(Anchors, NoneForModelsWithout) {
  Anchors anchors(0);
  anchors.begin(0);
  anchors.add(frames(0, 8), 0);
  EXPECT_EQ(shown(anchors, 4), Shown(-1, 0));
}

}  // namespace
}  // namespace genvid
