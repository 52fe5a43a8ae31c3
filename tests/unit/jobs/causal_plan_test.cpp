// Plans of checkpoints that make clips block by block.
#include <gtest/gtest.h>

#include "core/json.h"
#include "jobs/plan.h"
#include "jobs/rollout.h"
#include "unit/jobs/plan_support.h"

namespace genvid {
namespace {

using test::request;

Plan plan(const Request& r, const std::string& folder = "tests/data/tiny-wan21-causal") {
  return test::plan_in(folder, r);
}

void expect_refused(const Request& r, const std::string& part,
                    const std::string& folder = "tests/data/tiny-wan21-causal") {
  test::expect_refused_in(folder, r, part);
}

TEST(CausalPlan, RoundsLatentsUpToTheBlock) {
  const Plan p = plan(request(10));
  EXPECT_EQ(p.spec.rollout, "causal");
  EXPECT_EQ(p.spec.frames, 160);
  EXPECT_EQ(p.rollout.windows, 14);  // 41 latent frames
  EXPECT_EQ(p.latent_frames, 42);
  EXPECT_EQ(p.spec.model_frames, 165);
  EXPECT_EQ(p.spec.block_latents, 3);
  EXPECT_EQ(p.spec.window_latents, 12);
  EXPECT_EQ(p.spec.sink_latents, 3);
  EXPECT_EQ(p.spec.num_inference_steps, 4);
  EXPECT_EQ(p.spec.scheduler, "renoise");
  EXPECT_EQ(p.spec.timesteps.size(), 4u);
  EXPECT_EQ(p.borders.front(), 9);  // 1 + 2 * 4 frames in the first block
  EXPECT_TRUE(p.warnings.empty());
}

TEST(CausalPlan, AShortClipIsOneBlock) {
  Request r = request(1);
  r.seconds.reset();
  r.frames = 1;
  const Plan p = plan(r);
  EXPECT_EQ(p.spec.rollout, "causal");
  EXPECT_EQ(p.spec.model_frames, 9);
  EXPECT_EQ(p.token_forwards, 3 * 6 * 4) << "the last block leaves nothing behind";
}

TEST(CausalPlan, FifteenSecondsCostAtMostThreeTimesFive) {
  const Plan p = plan(request(15));
  const auto times =
      static_cast<double>(p.token_forwards) / static_cast<double>(p.token_forwards_5s);
  EXPECT_LE(times, 3.1);
  EXPECT_GT(times, 2.8);
  EXPECT_EQ(p.token_forwards_5s, plan(request(5)).token_forwards);
  // 21 blocks of 3 x 6 tokens: 4 steps and the pass that leaves keys and values, but for the last.
  EXPECT_EQ(p.token_forwards, 18 * (21 * 5 - 1));
}

TEST(CausalPlan, MemoryDoesNotGrowWithTheClip) {
  EXPECT_EQ(plan(request(10)).peak_bytes, plan(request(60)).peak_bytes);
}

TEST(CausalPlan, AnotherRolloutCanBeAskedFor) {
  Request r = request(10);
  r.rollout = "overlap";
  const Plan p = plan(r);
  EXPECT_EQ(p.spec.rollout, "overlap");
  EXPECT_EQ(p.spec.scheduler, "unipc") << "renoise belongs to the causal timesteps";
  EXPECT_TRUE(p.spec.timesteps.empty());
}

TEST(CausalPlan, RefusesWhatDoesNotFit) {
  Request r = request(10);
  r.num_inference_steps = 6;
  expect_refused(r, "4 timesteps");
  r = request(10);
  r.shift = 9;
  expect_refused(r, "--shift");
  r = request(10);
  r.scheduler = "euler";
  expect_refused(r, "euler");
  r = request(10);
  r.noise = "torch";
  expect_refused(r, "--noise torch");
  expect_refused(request(600), "positions for 4089 frames (255.6 s)");
  r = request(10);
  r.rollout = "causal";
  expect_refused(r, "genvid.json", "models/tiny-wan21");
  r = request(2);
  r.scheduler = "renoise";
  expect_refused(r, "causal checkpoint", "models/tiny-wan21");
}

}  // namespace
}  // namespace genvid
