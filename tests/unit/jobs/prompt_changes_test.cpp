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

TEST(PromptChanges, Refused) {
  const auto refused = [](const char* part, const std::string& model, double seconds,
                          const std::string& at, bool loop = false) {
    expect_error(ErrorKind::kUsage, part, [&] { plan_of(model, seconds, at, loop); });
  };
  refused("one window", "tiny-wan21", 2, "1s x");
  refused("clip's end", "tiny-wan21", 15, "15s x");
  refused("both fall", "tiny-wan21", 15, "3s x\n4s y");
  refused("UTF-8", "tiny-wan21", 15, "3s \xff");
  refused("go around", "tiny-wan21", 15, "3s x", true);
}

}  // namespace
}  // namespace genvid
