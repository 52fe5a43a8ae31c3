#include "jobs/prompt_changes.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace genvid {
namespace {

using test::expect_error;

Plan plan_of(const std::string& model, double seconds, const std::string& prompt_at,
             bool loop = false) {
  Request r;
  r.prompt = "a house";
  r.prompt_at = prompt_at;
  r.seconds = seconds;
  r.seed = 1;
  if (loop) r.rollout = "loop";
  return make_plan(r, ModelFolder::open(std::string(GENVID_SOURCE_DIR) + "/models/" + model));
}

TEST(PromptChanges, MoveToTheNearestBorder) {
  // 180 frames at 12 a second, borders at 32, 48, 64 ...
  const Plan plan = plan_of("tiny-genvid", 15, "3s a boat\n5.0s night");
  ASSERT_EQ(plan.spec.prompt_changes.size(), 2u);
  EXPECT_EQ(plan.spec.prompt_changes[0].part, 1);
  EXPECT_EQ(plan.spec.prompt_changes[0].prompt, "a boat");
  EXPECT_EQ(plan.spec.prompt_changes[1].part, 3);
  EXPECT_DOUBLE_EQ(plan.prompt_starts[0].asked, 3);
  EXPECT_DOUBLE_EQ(plan.prompt_starts[0].seconds, 32 / 12.0);
  EXPECT_DOUBLE_EQ(plan.prompt_starts[1].seconds, 64 / 12.0);
}

TEST(PromptChanges, EveryRolloutHasParts) {
  EXPECT_EQ(plan_of("tiny-wan21", 15, "8s x").spec.prompt_changes.at(0).part, 2);  // 57 113 165
  EXPECT_EQ(plan_of("tiny-wan22-ti2v", 15, "4s x").spec.prompt_changes.at(0).part, 1);  // 121 241
  EXPECT_GE(plan_of("../tests/data/tiny-wan21-causal", 3, "2s x").spec.prompt_changes.at(0).part,
            1);
}

const std::string kCausal = "../tests/data/tiny-wan21-causal";

// 48 frames at 16 a second: a block is 12 frames, the first one 9.
TEST(PromptChanges, TheFirstBlockBehindACutIsTold) {
  const Plan plan = plan_of(kCausal, 3, "0.6s night\ncut 1.4s a boat\ncut 2.6s a ship");
  const auto& changes = plan.spec.prompt_changes;
  ASSERT_EQ(changes.size(), 4u);
  const auto is = [&](size_t i, int64_t part, const std::string& prompt, bool cut) {
    EXPECT_EQ(changes[i].part, part);
    EXPECT_EQ(changes[i].prompt, prompt);
    EXPECT_EQ(changes[i].cut, cut) << i;
  };
  is(0, 1, "night", false);
  is(1, 2, "The scene transitions. a boat", true);
  is(2, 3, "a boat", false);
  is(3, 4, "The scene transitions. a ship", true);
  EXPECT_EQ(plan.cuts, (std::vector<int64_t>{21, 45}));
  EXPECT_EQ(plan.borders, (std::vector<int64_t>{9, 33})) << "no seams where scenes change";
  EXPECT_EQ(plan.spec.cut_offset, 5);
  ASSERT_EQ(plan.prompt_starts.size(), 3u);
  EXPECT_EQ(plan.prompt_starts[1].prompt, "a boat");
  EXPECT_TRUE(plan.prompt_starts[1].cut);
  EXPECT_EQ(plan.prompt_at, "0.6s night\ncut 1.4s a boat\ncut 2.6s a ship\n");
}

TEST(PromptChanges, TheNextBlockBehindACutMayHaveAPromptOfItsOwn) {
  for (const bool cut : {false, true}) {
    const auto changes =
        plan_of(kCausal, 3, std::string("cut 1.4s a boat\n") + (cut ? "cut " : "") + "2.1s night")
            .spec.prompt_changes;
    ASSERT_EQ(changes.size(), cut ? 3u : 2u);
    EXPECT_EQ(changes[1].part, 3);
    EXPECT_EQ(changes[1].prompt, cut ? "The scene transitions. night" : "night");
    EXPECT_EQ(changes[1].cut, cut);
  }
}

TEST(PromptChanges, CutsTakePositionsInTime) {
  // 1024 positions in time; 336 blocks of 3 leave 16 for the offsets of 5.
  const std::string three = "cut 1s a\ncut 2s b\ncut 3s c";
  const double seconds = (336 * 3 * 4 - 3) / 16.0;
  EXPECT_EQ(plan_of(kCausal, seconds, three).cuts.size(), 3u);
  expect_error(ErrorKind::kUsage, "1024", [&] { plan_of(kCausal, seconds, three + "\ncut 4s d"); });
}

TEST(PromptChanges, Refused) {
  const auto refused = [](const char* part, const std::string& model, double seconds,
                          const std::string& at, bool loop = false) {
    expect_error(ErrorKind::kUsage, part, [&] { plan_of(model, seconds, at, loop); });
  };
  refused("one window", "tiny-wan21", 2, "1s x");
  refused("clip's end", "tiny-wan21", 15, "15s x");
  refused("both fall", "tiny-wan21", 15, "3s x\n4s y");
  refused("UTF-8", "tiny-wan21", 15, "3s \xff");
  refused("one prompt", "tiny-wan21", 15, "3s x", true);
  for (const char* model :
       {"tiny-genvid", "tiny-wan21", "tiny-wan22-ti2v", "tiny-skyreels-v2-df"}) {
    refused("LongLive-2.0", model, 15, "cut 5s x");
  }
  refused("LongLive-2.0", "tiny-wan21", 15, "cut 5s x", true);
  refused("one window", kCausal, 0.5, "cut 0.2s x");
  refused("both fall", kCausal, 3, "cut 1.3s x\n1.4s y");
}

}  // namespace
}  // namespace genvid
