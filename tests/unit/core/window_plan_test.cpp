// Where the clips of a chain begin and end.
#include "core/window_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST(Chain, ThatLeadsToAPictureIsOfEqualParts) {
  EXPECT_EQ(chain_frames(90, 81, 4, false, true), (std::vector<int64_t>{45, 49}));
  EXPECT_EQ(chain_frames(81, 81, 4, false, true), (std::vector<int64_t>{81}));
  for (const bool from_frame : {false, true}) {
    for (int64_t frames = 1; frames < 500; ++frames) {
      const auto even = chain_frames(frames, 81, 4, from_frame, true);
      const auto greedy = chain_frames(frames, 81, 4, from_frame);
      ASSERT_EQ(even.size(), greedy.size()) << frames;
      const auto [least, most] = std::minmax_element(even.begin(), even.end());
      ASSERT_LE(*most - *least, 4 + static_cast<int64_t>(even.size())) << frames;
      const int64_t repeated = static_cast<int64_t>(even.size()) - (from_frame ? 0 : 1);
      const int64_t total = std::accumulate(even.begin(), even.end(), int64_t{0}) - repeated;
      ASSERT_GE(total, frames);
      ASSERT_LT(total, frames + 4);
    }
  }
}

}  // namespace
}  // namespace genvid
