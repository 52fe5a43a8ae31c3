#include "pipeline/windows.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "diffusion/noise.h"

namespace genvid {
namespace {

TEST(Windows, OneWhenTheClipFits) {
  const WindowPlan plan = plan_windows(21, 21, 5);
  EXPECT_EQ(plan.starts, std::vector<int64_t>{0});
  EXPECT_EQ(window_weights(plan, 0).min().item<float>(), 1.0f);
}

TEST(Windows, FifteenSecondsCostFourWindowsOfFive) {
  const WindowPlan plan = plan_windows(61, 21, 5);
  EXPECT_EQ(plan.starts, (std::vector<int64_t>{0, 13, 27, 40}));
  const double cost = static_cast<double>(plan.starts.size()) * 21 / 21.0;
  EXPECT_LE(cost, 4.05);
}

// Every clip length: windows cover it, stay inside it, and share at least `overlap` frames.
TEST(Windows, CoverEveryLength) {
  for (int64_t frames = 2; frames < 200; ++frames) {
    for (const auto& [window, overlap] : {std::pair<int64_t, int64_t>{4, 1}, {21, 5}, {31, 7}}) {
      const WindowPlan plan = plan_windows(frames, window, overlap);
      Tensor total = at::zeros({frames});
      for (size_t i = 0; i < plan.starts.size(); ++i) {
        ASSERT_GE(plan.starts[i], 0);
        ASSERT_LE(plan.starts[i] + plan.window, frames);
        if (i > 0) {
          ASSERT_GE(plan.starts[i - 1] + plan.window - plan.starts[i], plan.overlap);
        }
        total.narrow(0, plan.starts[i], plan.window).add_(window_weights(plan, i));
      }
      ASSERT_GT(total.min().item<float>(), 0.0f) << frames << " " << window;
    }
  }
}

// Every loop, at every step: each latent frame is in a window with some weight, also around the
// end.
TEST(Windows, GoAroundARing) {
  for (const int64_t frames : {2, 5, 20, 21, 22, 37, 61, 90}) {
    for (int64_t step = 0; step < 12; ++step) {
      const WindowPlan plan = plan_ring(frames, 21, 5, step);
      EXPECT_EQ(plan.starts.size() == 1, frames <= 21);
      Tensor total = at::zeros({frames});
      for (size_t i = 0; i < plan.starts.size(); ++i) {
        ASSERT_LT(plan.starts[i], frames);
        const Tensor w = window_weights(plan, i);
        ASSERT_GT(w.min().item<float>(), 0.0f);
        for (int64_t k = 0; k < plan.window; ++k) {
          total[(plan.starts[i] + k) % frames].add_(w[k]);
        }
      }
      ASSERT_GT(total.min().item<float>(), 0.0f) << frames << " " << step;
      if (frames > 26) {
        ASSERT_LE(total.max().item<float>(), 2.01f) << "no frame pays for more than two windows";
      }
    }
  }
}

TEST(Windows, OfARingMoveBetweenThoseOfEarlierSteps) {
  EXPECT_EQ(plan_ring(16, 21, 5, 0).starts, std::vector<int64_t>{0});
  EXPECT_EQ(plan_ring(16, 21, 5, 1).starts, std::vector<int64_t>{8});
  EXPECT_EQ(plan_ring(16, 21, 5, 2).starts, std::vector<int64_t>{4});
  EXPECT_EQ(plan_ring(16, 21, 5, 3).starts, std::vector<int64_t>{12});
  EXPECT_EQ(plan_ring(32, 21, 5, 0).starts, (std::vector<int64_t>{0, 16}));
  EXPECT_EQ(plan_ring(32, 21, 5, 1).starts, (std::vector<int64_t>{8, 24}));
}

TEST(Windows, SharedNoiseRepeatsFramesInAnotherOrder) {
  const WindowPlan plan = plan_windows(40, 21, 5);
  const Tensor base = initial_noise("philox", 5, {1, 2, 40, 2, 2});
  Tensor noise = base.clone();
  share_noise(noise, plan, 5);
  EXPECT_TRUE(at::equal(noise.narrow(2, 0, 21), base.narrow(2, 0, 21)));
  Tensor again = base.clone();
  share_noise(again, plan, 5);
  EXPECT_TRUE(at::equal(noise, again));
  int64_t in_place = 0;
  for (int64_t t = 21; t < 37; ++t) {
    bool found = false;
    for (int64_t s = 0; s < 16; ++s) found |= at::equal(noise.select(2, t), base.select(2, s));
    EXPECT_TRUE(found) << t;
    in_place += at::equal(noise.select(2, t), base.select(2, t - 21));
  }
  EXPECT_LT(in_place, 8) << "frames come in another order";
}

TEST(Windows, OneBehindTheOther) {
  const auto starts = [](int64_t frames, int64_t first, int64_t past) {
    return extension_starts(frames, 5, 2, first, past);
  };
  EXPECT_EQ(starts(12, 0, 0), (std::vector<int64_t>{0, 5, 8, 11}));
  EXPECT_EQ(starts(11, 0, 0), (std::vector<int64_t>{0, 5, 8}));
  EXPECT_EQ(starts(12, 1, 0), (std::vector<int64_t>{0, 1, 5, 8, 11})) << "a picture first";
  EXPECT_EQ(starts(1, 1, 0), (std::vector<int64_t>{0}));
  EXPECT_EQ(starts(7, 0, 2), (std::vector<int64_t>{0, 3, 6})) << "behind a video";
  EXPECT_EQ(extension_starts(9, 5, 4, 0, 4), (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace genvid
