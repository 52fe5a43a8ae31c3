// Plans of checkpoints with a noise level of its own in every latent frame.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/json.h"
#include "core/request_json.h"
#include "jobs/plan.h"
#include "jobs/record.h"
#include "jobs/rerun.h"
#include "unit/jobs/plan_support.h"

namespace genvid {
namespace {

using test::request;

Plan plan(const Request& r, const std::string& model = "tiny-skyreels-v2-df") {
  return test::plan_in("models/" + model, r);
}

Request frames(int64_t count) {
  Request r = request(1);
  r.seconds.reset();
  r.frames = count;
  return r;
}

void expect_refused(const Request& r, const std::string& part,
                    const std::string& model = "tiny-skyreels-v2-df") {
  test::expect_refused_in("models/" + model, r, part);
}

TEST(ForcingPlan, WindowsAreWhole) {
  const Plan p = plan(request(15));
  EXPECT_EQ(p.spec.rollout, "diffusion-forcing");
  EXPECT_EQ(p.spec.frames, 360);  // 91 latent frames
  EXPECT_EQ(p.spec.window_latents, 25);
  EXPECT_EQ(p.spec.overlap_latents, 5);
  EXPECT_EQ(p.spec.block_latents, 1);
  EXPECT_EQ(p.spec.addnoise_condition, 20);
  EXPECT_EQ(p.rollout.windows, 5);
  EXPECT_EQ(p.latent_frames, 25 + 4 * 20);
  EXPECT_EQ(p.spec.model_frames, 417);
  ASSERT_EQ(p.borders.size(), 4u);
  EXPECT_EQ(p.borders[0], 97);
  EXPECT_EQ(p.borders[1], 97 + 80);
  EXPECT_TRUE(p.warnings.empty());
}

TEST(ForcingPlan, FifteenSecondsCostAtMostTwoAndAHalfTimesFive) {
  const Plan p = plan(request(15));
  EXPECT_EQ(p.token_forwards, int64_t{5} * 25 * 6 * 6 * 2)
      << "windows, latents, tokens, steps, prompts";
  EXPECT_EQ(p.token_forwards_5s, plan(request(5)).token_forwards);
  EXPECT_LE(static_cast<double>(p.token_forwards), 2.6 * static_cast<double>(p.token_forwards_5s));
}

// The picture stands right behind the clip, so the last window is no longer than that.
TEST(ForcingPlan, EndsOnAPicture) {
  Request r = request(15);
  r.last_image = "b.png";
  const Plan p = plan(r);
  EXPECT_EQ(p.rollout.windows, 5);
  EXPECT_EQ(p.latent_frames, 91);
  const auto denoise = std::find_if(p.costs.begin(), p.costs.end(),
                                    [](const StageCost& c) { return c.stage == "denoise"; });
  ASSERT_NE(denoise, p.costs.end());
  EXPECT_EQ(denoise->tokens, 5 * 26 * 6) << "windows, latents, tokens: one latent frame more";
  r.causal_block_size = 5;
  r.ar_step = 5;
  expect_refused(r, "--causal-block-size 1");
  r = request(3);
  r.last_image = "b.png";
  r.rollout = "window";
  expect_refused(r, "diffusion forcing alone");
}

TEST(ForcingPlan, MemoryDoesNotGrowWithTheClip) {
  EXPECT_EQ(plan(request(10)).peak_bytes, plan(request(60)).peak_bytes);
}

TEST(ForcingPlan, AShortClipIsAShortWindow) {
  Request r = request(2);
  const Plan p = plan(r);
  EXPECT_EQ(p.spec.rollout, "diffusion-forcing");
  EXPECT_EQ(p.rollout.windows, 1);
  EXPECT_EQ(p.spec.window_latents, 13);
  EXPECT_EQ(p.spec.overlap_latents, 0);
  r.rollout = "window";
  EXPECT_EQ(plan(r).spec.rollout, "window");
}

TEST(ForcingPlan, BlocksBehindEachOtherTakeMorePasses) {
  Request r = frames(97);
  r.causal_block_size = 5;
  r.ar_step = 4;
  Plan p = plan(r);
  EXPECT_EQ(p.rollout.windows, 1);
  EXPECT_EQ(passes(p.rollout, 6), 6 + 4 * 4);
  EXPECT_EQ(p.token_forwards, 25 * 6 * (6 + 4 * 4) * 2);
  r.ar_step = 100;  // one after the other
  EXPECT_EQ(passes(plan(r).rollout, 6), 5 * 6);
  r.ar_step = 4;
  r.frames = 98;  // 26 latent frames: five blocks, then four new ones
  p = plan(r);
  EXPECT_EQ(p.rollout.windows, 2);
  EXPECT_EQ(passes(p.rollout, 6), 2 * 6 + 4 * (4 + 3));
  // Blocks see but half of a window on average, which costs less.
  Request together = r;
  together.ar_step = 0;
  together.causal_block_size = 1;
  const auto flops = [](const Plan& of) {
    for (const StageCost& c : of.costs) {
      if (c.stage == "denoise") return c.flops / static_cast<double>(of.token_forwards);
    }
    return 0.0;
  };
  EXPECT_LT(flops(p), flops(plan(together)));
}

TEST(ForcingPlan, RoundsUpToBlocks) {
  Request r = frames(73);  // 19 latent frames
  r.causal_block_size = 7;
  Plan p = plan(r);
  EXPECT_EQ(p.spec.window_latents, 21);
  EXPECT_EQ(p.rollout.windows, 1);
  EXPECT_EQ(p.spec.model_frames, 81);
  EXPECT_EQ(p.spec.frames, 73);
  r = frames(121);  // 31 latent frames, windows of 24 that share 8
  r.causal_block_size = 4;
  p = plan(r);
  EXPECT_EQ(p.spec.window_latents, 24);
  EXPECT_EQ(p.spec.overlap_latents, 8);
  EXPECT_EQ(p.rollout.windows, 2);
  EXPECT_EQ(p.latent_frames, 40);
  // As many latent frames as hold the frames asked for, never fewer.
  r = frames(200);
  r.overlap_history = 18;
  EXPECT_EQ(plan(r).spec.overlap_latents, 6);
}

TEST(ForcingPlan, GoesOnFromAVideo) {
  Request r = request(2);  // 48 frames, 12 latent ones
  r.extend = "a.mp4";
  Plan p = plan(r);
  EXPECT_EQ(p.spec.rollout, "diffusion-forcing");
  EXPECT_EQ(p.rollout.past_frames, 17);
  EXPECT_EQ(p.spec.window_latents, 5 + 12);
  EXPECT_EQ(p.latent_frames, 12);
  r.seconds = 10;  // 60 latent ones: three windows of 20 new ones
  p = plan(r);
  EXPECT_EQ(p.rollout.windows, 3);
  ASSERT_EQ(p.borders.size(), 2u);
  EXPECT_EQ(p.borders[0], 80);
}

TEST(ForcingPlan, TheRecordMakesTheSamePlan) {
  Request r = request(10);
  r.overlap_history = 21;
  r.causal_block_size = 2;
  r.ar_step = 3;
  r.addnoise_condition = 12.5;
  const Plan p = plan(r);
  const ClipMakerInfo maker{"1.2.3", "tiny-skyreels-v2-df", std::string(64, 'd'), "2.11.0",
                            "AVX2",  std::string(64, 'a')};
  const Json record = clip_record(p, r, maker, identify_clip(p, r, maker));
  EXPECT_EQ(record.at("causal_block_size"), 2);
  Request again = request_of_record(record, "the file");
  again.prompt = r.prompt;
  const Plan q = plan(again);
  EXPECT_EQ(q.spec.rollout, p.spec.rollout);
  EXPECT_EQ(q.spec.window_latents, p.spec.window_latents);
  EXPECT_EQ(q.spec.overlap_latents, p.spec.overlap_latents);
  EXPECT_EQ(q.spec.block_latents, p.spec.block_latents);
  EXPECT_EQ(q.spec.ar_step, p.spec.ar_step);
  EXPECT_EQ(q.spec.addnoise_condition, p.spec.addnoise_condition);
  Request other = r;
  other.ar_step = 2;
  const Plan o = plan(other);
  EXPECT_NE(identify_clip(o, other, maker).id.text(), identify_clip(p, r, maker).id.text());
}

TEST(ForcingPlan, RefusesWhatDoesNotFit) {
  Request r = request(10);
  r.overlap_history = 97;
  expect_refused(r, "--overlap-history is 97 frames, 25 latent frames");
  r = request(10);
  r.causal_block_size = 26;
  expect_refused(r, "windows of 25 latent frames (97 frames)");
  r = request(10);
  r.causal_block_size = 20;  // a window of one block has no room for what it goes on from
  expect_refused(r, "--overlap-history");
  r = request(10);
  r.addnoise_condition = 1001;
  expect_refused(r, "--addnoise-condition");
  r = request(10);
  r.noise = "torch";
  expect_refused(r, "--noise torch");
  r = request(10);
  r.scheduler = "renoise";
  expect_refused(r, "renoise");
}

TEST(ForcingPlan, OtherCheckpointsAreToldWhichCan) {
  Request r = request(10);
  r.rollout = "diffusion-forcing";
  expect_refused(r, "SkyReels-V2 DF", "tiny-wan21");
  expect_refused(r, "SkyReels-V2 DF", "tiny-genvid");
  r = request(10);
  r.ar_step = 5;
  expect_refused(r, "--ar-step belongs to diffusion forcing", "tiny-wan21");
  r = request(10);
  r.overlap_history = 5;
  expect_refused(r, "--overlap-history belongs to diffusion forcing", "tiny-wan21");
}

}  // namespace
}  // namespace genvid
