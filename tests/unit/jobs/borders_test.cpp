#include "jobs/borders.h"

#include <gtest/gtest.h>

namespace genvid {
namespace {

namespace fs = std::filesystem;

Plan plan_of(const std::string& model, double seconds) {
  Request r;
  r.prompt = "a house";
  r.model = model;
  r.seconds = seconds;
  r.seed = 1;
  return make_plan(r, ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models" / model));
}

TEST(Borders, OneWindowHasNone) { EXPECT_TRUE(plan_of("tiny-wan21", 2).borders.empty()); }

TEST(Borders, BlendedWindowsMeetInTheMiddleOfWhatTheyShare) {
  const Plan plan = plan_of("tiny-wan21", 15);  // 241 frames, 61 latents, windows of 21, 5 shared
  EXPECT_EQ(plan.rollout.windows, 4);
  // Windows start at latents 0, 13, 27, 40; two latents later is the middle.
  EXPECT_EQ(plan.borders, (std::vector<int64_t>{57, 113, 165}));
}

TEST(Borders, ChainedClipsMeetWhereTheNextBegins) {
  const Plan plan = plan_of("tiny-wan22-ti2v", 15);  // 360 frames, clips of 121
  EXPECT_EQ(plan.borders, (std::vector<int64_t>{121, 241}));
}

TEST(Borders, ExtendedClipsMeetWhereNewLatentsBegin) {
  const Plan plan = plan_of("tiny-genvid", 5);  // 15 latents of 4 frames, windows of 8, 4 known
  EXPECT_EQ(plan.rollout.windows, 3);
  EXPECT_EQ(plan.borders, (std::vector<int64_t>{32, 48}));
}

TEST(Borders, BehindAVideoEveryLatentIsWholeAndTheVideosMeetAtOneToo) {
  const auto extended = [](const std::string& model, double seconds) {
    Request r;
    r.prompt = "a house";
    r.model = model;
    r.seconds = seconds;
    r.seed = 1;
    r.extend = "old.mp4";
    return make_plan(r, ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models" / model));
  };
  Plan plan = extended("tiny-genvid", 4);  // 12 latents, 4 new ones a window
  EXPECT_EQ(plan.rollout.name, "extend");
  EXPECT_EQ(plan.rollout.windows, 3);
  EXPECT_EQ(plan.rollout.past_frames, 16);
  EXPECT_EQ(plan.borders, (std::vector<int64_t>{16, 32}));
  put_past_before(plan, 100);
  EXPECT_EQ(plan.borders, (std::vector<int64_t>{100, 116, 132}));
  EXPECT_EQ(plan.past_frames, 100);

  plan = extended("tiny-wan22-ti2v", 15);  // 360 frames, 120 new ones a clip
  EXPECT_EQ(plan.rollout.name, "continue");
  EXPECT_EQ(plan.rollout.windows, 3);
  EXPECT_EQ(plan.rollout.past_frames, 1);
  EXPECT_EQ(plan.borders, (std::vector<int64_t>{120, 240}));
  EXPECT_EQ(extended("tiny-wan22-ti2v", 1).rollout.name, "continue") << "also when it fits";

  plan = extended("../tests/data/tiny-wan21-causal", 3);
  EXPECT_EQ(plan.rollout.name, "causal");
  EXPECT_EQ(plan.borders.at(0), plan.spec.block_latents * 4);
}

}  // namespace
}  // namespace genvid
