#include "pipeline/panorama.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace genvid {
namespace {

// A picture [1, 1, 1, 4, 8] whose columns hold where they lie.
Tensor columns(int64_t from) {
  return at::arange(from, from + 8, at::kFloat).view({1, 1, 1, 1, 8}).expand({1, 1, 1, 4, 8});
}

// Goes on counting from what is known, and remembers what it was asked for.
Panorama::Draw counting(std::vector<std::pair<int64_t, bool>>& asked) {
  return [&asked](const DrawnSide& side) {
    asked.emplace_back(side.count, side.first);
    EXPECT_EQ(side.axis, 4);
    EXPECT_EQ(side.latents.sizes(), (at::IntArrayRef{1, 1, 1, 4, 8}));
    const auto known = side.latents[0][0][0][0][side.first ? 7 : 0].item<float>();
    return columns(static_cast<int64_t>(known) - (side.first ? 7 : 0));
  };
}

float first_column(const AnchorFrame& frame) { return frame.latents[0][0][0][0][0].item<float>(); }

TEST(Panorama, GoesOnByWholePositions) {
  std::vector<std::pair<int64_t, bool>> asked;
  Panorama wide(columns(0), {}, 0, {-0.25, 0});  // what is seen goes left: the camera pans right
  const AnchorFrame near = wide.ahead(1, 3, counting(asked));
  EXPECT_EQ(first_column(near), 1);  // 0.75 positions: the next whole one, after 4 latent frames
  EXPECT_EQ(near.age, 1 - 4);
  EXPECT_EQ(asked, (std::vector<std::pair<int64_t, bool>>{{2, false}}));
  EXPECT_EQ(first_column(wide.ahead(5, 8, counting(asked))), 2);  // was drawn already
  EXPECT_EQ(asked.size(), 1);
  const AnchorFrame far = wide.ahead(21, 25, counting(asked));
  EXPECT_EQ(first_column(far), 7);
  EXPECT_EQ(far.latents[0][0][0][3][7].item<float>(), 14);
  EXPECT_EQ(far.age, 21 - 28);
  EXPECT_EQ(asked.size(), 4);
}

TEST(Panorama, BeforeTheBeginningToo) {
  std::vector<std::pair<int64_t, bool>> asked;
  Panorama wide(columns(100), {}, 10, {0.5, 0});
  const AnchorFrame seen = wide.ahead(12, 15, counting(asked));
  EXPECT_EQ(first_column(seen), 97);
  EXPECT_EQ(seen.age, 12 - 16);
  EXPECT_EQ(asked, (std::vector<std::pair<int64_t, bool>>{{2, true}, {2, true}}));
}

// What a start has besides the picture is known to the sides, and what they have to the next ones.
TEST(Panorama, KnowsWhatWasDrawnBeside) {
  const Tensor none = at::zeros({1, 1, 1, 4, 8});
  Panorama wide(columns(0), none.add(1), 0, {-1, 0});
  float beside = 1;
  const auto draw = [&](const DrawnSide& side) {
    EXPECT_EQ(side.latents.size(1), 2);
    EXPECT_EQ(side.latents[0][1][0][0][5].item<float>(), beside++);
    EXPECT_EQ(side.latents[0][1][0][0][6].item<float>(), 0);
    return at::cat({columns(10), none.add(beside), none}, 1);  // a channel more than was asked for
  };
  const AnchorFrame seen = wide.ahead(0, 3, draw);
  EXPECT_EQ(beside, 3);
  ASSERT_EQ(seen.latents.sizes(), (at::IntArrayRef{1, 1, 1, 4, 8}));
  // Columns 3 to 7, of which the drawn ones bring the border's, twice.
  const auto at_column = [&](int64_t n) { return seen.latents[0][0][0][0][n].item<float>(); };
  EXPECT_EQ(at_column(3), 6);
  EXPECT_EQ(at_column(4), 15);
  EXPECT_EQ(at_column(5), 16);
  EXPECT_EQ(at_column(6), 15);
  EXPECT_EQ(at_column(7), 16);
}

TEST(Panorama, RowsOfATilt) {
  Panorama wide(columns(0).transpose(3, 4), {}, 0, {0, -1});
  const AnchorFrame seen = wide.ahead(0, 1, [](const DrawnSide& side) {
    EXPECT_EQ(side.axis, 3);
    EXPECT_EQ(side.count, 2);
    return at::full_like(side.latents, 5);
  });
  EXPECT_EQ(seen.latents.sizes(), (at::IntArrayRef{1, 1, 1, 8, 4}));
  EXPECT_EQ(seen.latents[0][0][0][7][0].item<float>(), 5);
  EXPECT_EQ(seen.latents[0][0][0][6][0].item<float>(), 5);  // the border's
  EXPECT_EQ(seen.latents[0][0][0][5][0].item<float>(), 6);
  EXPECT_EQ(seen.age, -1);
}

}  // namespace
}  // namespace genvid
