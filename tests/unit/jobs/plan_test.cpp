#include "jobs/plan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <limits>

namespace genvid {
namespace {

namespace fs = std::filesystem;

ModelFolder model(const std::string& name) {
  return ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models" / name);
}

Request request() {
  Request r;
  r.prompt = "a house";
  r.device = "cpu";
  return r;
}

Plan plan(const Request& r, const std::string& name = "tiny-wan21") {
  return make_plan(r, model(name));
}

void expect_error(const Request& r, ErrorKind kind, const std::string& part,
                  const std::string& name = "tiny-wan21") {
  try {
    plan(r, name);
    ADD_FAILURE() << "accepted; expected an error with: " << part;
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind) << e.what();
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
  }
}

TEST(Plan, DefaultsComeFromTheModel) {
  const Plan p = plan(request());
  EXPECT_EQ(p.family, "wan");
  EXPECT_EQ(p.spec.size, (Size{48, 32}));
  EXPECT_EQ(p.spec.model_size, (Size{48, 32}));
  EXPECT_EQ(p.spec.frames, 13);
  EXPECT_EQ(p.spec.model_frames, 13);
  EXPECT_EQ(p.latent_frames, 4);
  EXPECT_EQ(p.spec.fps, (Rational{16, 1}));
  EXPECT_EQ(p.spec.num_inference_steps, 6);
  EXPECT_EQ(p.spec.dtype, "fp32");
  EXPECT_EQ(p.spec.shift, 3.0);
  EXPECT_GE(p.spec.threads, 1);
  EXPECT_TRUE(p.warnings.empty());
}

TEST(Plan, SecondsSnapUpAndTrim) {
  Request r = request();
  r.seconds = 2;
  const Plan p = plan(r);
  EXPECT_EQ(p.spec.frames, 32);
  EXPECT_EQ(p.spec.model_frames, 33);
  EXPECT_EQ(p.latent_frames, 9);
  r.seconds = 0.001;
  EXPECT_EQ(plan(r).spec.frames, 1);
}

TEST(Plan, FramesAreExact) {
  Request r = request();
  for (const auto& [frames, made] : std::vector<std::pair<int64_t, int64_t>>{
           {1, 1}, {2, 5}, {5, 5}, {6, 9}, {80, 81}, {81, 81}}) {
    r.frames = frames;
    const Plan p = plan(r);
    EXPECT_EQ(p.spec.frames, frames);
    EXPECT_EQ(p.spec.model_frames, made);
    EXPECT_TRUE(p.warnings.empty());
  }
}

TEST(Plan, FpsIsThePlaybackRate) {
  Request r = request();
  r.seconds = 2;
  r.fps = Rational{24, 1};
  const Plan p = plan(r);
  EXPECT_EQ(p.spec.frames, 48);
  ASSERT_EQ(p.warnings.size(), 1u);
  EXPECT_NE(p.warnings[0].find("24"), std::string::npos);
  r.fps = Rational{24000, 1001};
  EXPECT_EQ(plan(r).spec.frames, 48);
}

TEST(Plan, LongerThanTheWindowBlendsWindows) {
  Request r = request();
  r.seconds = 15;
  const Plan p = plan(r);
  EXPECT_EQ(p.spec.frames, 240);
  EXPECT_EQ(p.spec.model_frames, 241);
  EXPECT_EQ(p.spec.rollout, "overlap");
  EXPECT_EQ(p.spec.window_latents, 21);
  EXPECT_EQ(p.spec.overlap_latents, 5);
  EXPECT_EQ(p.rollout.windows, 4);
  EXPECT_TRUE(p.warnings.empty());
  r.seconds = 5;
  EXPECT_EQ(plan(r).spec.rollout, "window");
}

TEST(Plan, FifteenSecondsByWindowsCostAtMostFourTimesFive) {
  const auto token_forwards = [](double seconds) {
    Request r = request();
    r.seconds = seconds;
    for (const StageCost& c : plan(r).costs) {
      if (c.stage == "denoise") return static_cast<double>(c.tokens);
    }
    return 0.0;
  };
  EXPECT_LE(token_forwards(15) / token_forwards(5.0625), 4.05);
}

TEST(Plan, OneWindowWhenAskedCutsAndWarns) {
  Request r = request();
  r.seconds = 10;
  r.rollout = "window";
  const Plan p = plan(r);
  EXPECT_EQ(p.spec.frames, 81);
  EXPECT_EQ(p.spec.model_frames, 81);
  ASSERT_EQ(p.warnings.size(), 1u);
  EXPECT_NE(p.warnings[0].find("160"), std::string::npos) << p.warnings[0];
  EXPECT_NE(p.warnings[0].find("81"), std::string::npos) << p.warnings[0];
  r.rollout = "continue";
  EXPECT_THROW(plan(r), Error) << "text-to-video has no picture to continue from";
}

TEST(Plan, OffGridSizesAreMadeLargerAndCropped) {
  Request r = request();
  r.size = Size{50, 34};
  const Plan p = plan(r);
  EXPECT_EQ(p.spec.size, (Size{50, 34}));
  EXPECT_EQ(p.spec.model_size, (Size{64, 48}));
  const Plan q = plan(r, "tiny-wan22-ti2v");
  EXPECT_EQ(q.spec.model_size, (Size{64, 64}));
}

TEST(Plan, BadValues) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto with = [](auto change) {
    Request r = request();
    change(r);
    return r;
  };
  const auto bad = [&](auto change, const std::string& part) {
    expect_error(with(change), ErrorKind::kUsage, part);
  };
  bad([](Request& r) { r.prompt = " \n"; }, "prompt is empty");
  bad([](Request& r) { r.prompt = "a\xff"; }, "UTF-8 at byte 2");
  bad([](Request& r) { r.prompt = std::string(70000, 'a'); }, "70000");
  bad([](Request& r) { r.negative_prompt = "\xc0\x80"; }, "negative prompt");
  bad([](Request& r) { r.size = Size{49, 32}; }, "even");
  bad([](Request& r) { r.size = Size{0, 32}; }, "0x32");
  bad([](Request& r) { r.size = Size{100000, 100000}; }, "100000x100000");
  bad([](Request& r) { r.size = Size{1040, 32}; }, "1024");  // the position table ends at 1024
  bad([](Request& r) { r.seconds = 0; }, "--seconds");
  bad([](Request& r) { r.seconds = -1; }, "--seconds");
  bad([&](Request& r) { r.seconds = nan; }, "--seconds");
  bad([](Request& r) { r.seconds = 1e9; }, "--seconds");
  bad([](Request& r) { r.frames = 0; }, "--frames");
  bad([](Request& r) { r.frames = 100001; }, "--frames");
  bad([](Request& r) { r.frames = 5, r.seconds = 1; }, "not both");
  bad([](Request& r) { r.fps = Rational{0, 1}; }, "--fps");
  bad([](Request& r) { r.fps = Rational{1000, 1}; }, "--fps");
  bad([](Request& r) { r.num_inference_steps = 0; }, "--steps");
  bad([](Request& r) { r.num_inference_steps = 5000; }, "--steps");
  bad([&](Request& r) { r.guidance_scale = nan; }, "--guidance-scale");
  bad([](Request& r) { r.guidance_scale_2 = 2; }, "--guidance-scale-2");
  bad([](Request& r) { r.shift = 0; }, "--shift");
  bad([](Request& r) { r.scheduler = "ddim"; }, "unipc, euler");
  bad([](Request& r) { r.noise = "perlin"; }, "--noise");
  bad([](Request& r) { r.device = "tpu"; }, "--device");
  bad([](Request& r) { r.device = "cuda:x"; }, "--device");
  bad([](Request& r) { r.dtype = "fp8"; }, "--dtype");
  bad([](Request& r) { r.threads = -1; }, "--threads");
  bad([](Request& r) { r.image = "a.png"; }, "takes no --image");
  bad([](Request& r) { r.init_latents = "/does/not/exist"; }, "/does/not/exist");
}

TEST(Plan, ImagesThatModelsNeed) {
  expect_error(request(), ErrorKind::kUsage, "--image", "tiny-wan21-i2v");
  Request r = request();
  r.image = "a.png";
  EXPECT_EQ(plan(r, "tiny-wan21-i2v").title, "Wan2.1 I2V");
  expect_error(r, ErrorKind::kUsage, "--last-image", "tiny-wan21-flf2v");
  r.last_image = "b.png";
  EXPECT_EQ(plan(r, "tiny-wan21-flf2v").title, "Wan2.1 FLF2V");
  expect_error(r, ErrorKind::kUsage, "takes no --last-image", "tiny-wan21-i2v");
  r.seconds.reset();
  r.frames = 1;
  expect_error(r, ErrorKind::kUsage, "a single picture", "tiny-wan21-flf2v");
  r.image.clear();
  expect_error(r, ErrorKind::kUsage, "starts from a picture", "tiny-wan22-i2v-a14b");
}

TEST(Plan, AChainLeadsToALastPicture) {
  Request r = request();
  r.image = "a.png";
  r.seconds = 7;
  const Plan free = plan(r, "tiny-wan22-i2v-a14b");
  EXPECT_EQ(free.rollout.name, "continue");
  r.last_image = "b.png";
  const Plan led = plan(r, "tiny-wan22-i2v-a14b");
  EXPECT_EQ(led.rollout.name, "continue");
  EXPECT_NE(led.rollout.reason.find("leads to a picture"), std::string::npos);
  ASSERT_EQ(led.borders.size(), free.borders.size());
  const int64_t last = led.spec.frames - led.borders.back();
  EXPECT_NEAR(static_cast<double>(last), static_cast<double>(led.borders.front()), 4);
  EXPECT_LT(led.borders.front(), free.borders.front());
  expect_error(r, ErrorKind::kUsage, "takes no --last-image", "tiny-wan21-i2v");
  EXPECT_EQ(plan(r, "tiny-wan21-flf2v").rollout.name, "window");
}

TEST(Plan, GuidanceOfTwoExperts) {
  const auto scales = [](std::optional<double> one, std::optional<double> two) {
    Request r = request();
    r.guidance_scale = one;
    r.guidance_scale_2 = two;
    const ClipSpec s = plan(r, "tiny-wan22-a14b").spec;
    return std::pair(s.guidance_scale, s.guidance_scale_2);
  };
  EXPECT_EQ(scales({}, {}), std::pair(4.0, 3.0));
  EXPECT_EQ(scales(6.0, {}), std::pair(6.0, 6.0));
  EXPECT_EQ(scales({}, 2.0), std::pair(4.0, 2.0));
  EXPECT_EQ(scales(6.0, 2.0), std::pair(6.0, 2.0));
}

TEST(Plan, GuidanceOfWindowsThatGoOn) {
  Request r = request();
  r.seconds = 10;  // 30 latents: 8, then 4 at a time
  const Plan alike = plan(r, "tiny-genvid");
  ASSERT_EQ(alike.rollout.windows, 7);
  EXPECT_EQ(alike.spec.guidance_scale_2, 3.0);  // its genvid.json says nothing else
  r.guidance_scale_2 = 1.0;
  const Plan free = plan(r, "tiny-genvid");
  EXPECT_EQ(free.spec.guidance_scale, 3.0);
  EXPECT_EQ(free.spec.guidance_scale_2, 1.0);
  // Six windows run the prompt alone.
  EXPECT_EQ(free.token_forwards * 14, alike.token_forwards * 8);
  r.guidance_scale = 5.0;
  r.guidance_scale_2.reset();
  EXPECT_EQ(plan(r, "tiny-genvid").spec.guidance_scale_2, 3.0);
  r.guidance_scale_2 = 2.0;
  r.seconds = 0.3;
  expect_error(r, ErrorKind::kUsage, "window after window", "tiny-genvid");
}

TEST(Plan, InitLatentsMustHaveTheClipsShape) {
  const fs::path file =
      fs::temp_directory_path() / ("plan_test_" + std::to_string(getpid()) + ".safetensors");
  const std::vector<float> values(16 * 4 * 4 * 6, 0.0f);
  const std::span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(values.data()),
                                       values.size() * sizeof(float));
  write_safetensors(file, {{"x", DType::kF32, {1, 16, 4, 4, 6}, bytes}}, {}, true);
  Request r = request();
  r.init_latents = file;
  EXPECT_EQ(plan(r).spec.init_latents, file);
  r.frames = 17;
  expect_error(r, ErrorKind::kUsage, "[1, 16, 5, 4, 6]");
  fs::remove(file);
}

TEST(Plan, RefusesWhatDoesNotFitWithNumbers) {
  Request r = request();
  r.size = Size{512, 512};
  const Plan p = plan(r);
  EXPECT_NO_THROW(require_memory(p, p.peak_bytes));
  try {
    require_memory(p, p.peak_bytes - 1);
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_EQ(e.kind(), ErrorKind::kMemory);
    EXPECT_NE(message.find("512x512"), std::string::npos) << message;
    EXPECT_NE(message.find("the largest size that fits is about 496x496"), std::string::npos)
        << message;
  }
  try {
    require_memory(p, 1000);
    ADD_FAILURE() << "accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("--dtype bf16"), std::string::npos) << e.what();
  }
}

TEST(Plan, EstimateGrowsWithTheWork) {
  Request r = request();
  const double one = estimate_seconds(plan(r));
  EXPECT_GT(one, 0);
  r.size = Size{1024, 1024};
  r.num_inference_steps = 50;
  EXPECT_GT(estimate_seconds(plan(r)), 2 * one);
}

TEST(Plan, SeedsDifferUnlessGiven) {
  EXPECT_NE(plan(request()).spec.seed, plan(request()).spec.seed);
  Request r = request();
  r.seed = 7;
  EXPECT_EQ(plan(r).spec.seed, 7u);
}

// A model that goes on from its own latents makes whole windows, however short the clip.
TEST(Plan, ExtendsAModelOfItsOwnHistory) {
  Request r = request();
  r.seconds = 1;
  Plan p = plan(r, "tiny-genvid");
  EXPECT_EQ(p.spec.rollout, "extend");
  EXPECT_EQ(p.rollout.windows, 1);
  EXPECT_EQ(p.spec.window_latents, 8);
  EXPECT_EQ(p.spec.frames, 12);
  EXPECT_EQ(p.latent_frames, 3);
  EXPECT_EQ(p.spec.model_frames, 12);
  EXPECT_EQ(p.spec.scheduler, "euler-even");
  const uint64_t memory = p.peak_bytes;
  r.seconds = 600;
  p = plan(r, "tiny-genvid");
  EXPECT_EQ(p.spec.frames, 7200);
  EXPECT_EQ(p.rollout.windows, 449);  // 1800 latents: 8, then 4 at a time
  EXPECT_EQ(p.peak_bytes, memory);
  r.seconds = 0.3;  // four frames are one latent: a picture
  EXPECT_EQ(plan(r, "tiny-genvid").spec.rollout, "window");
  r.seconds = 10;
  r.rollout = "continue";
  expect_error(r, ErrorKind::kUsage, "use --rollout extend", "tiny-genvid");
  r.rollout = "extend";
  expect_error(r, ErrorKind::kUsage, "not trained", "tiny-wan21");
}

TEST(Plan, AStartHasDraftsStepsAndNewNoiseOfItsOwn) {
  Request r = request();
  r.num_inference_steps = 12;
  const Plan usual = plan(r, "genvid-tiny");
  ASSERT_EQ(usual.spec.first_latents, 1);
  EXPECT_EQ(usual.spec.drafts, 6);
  EXPECT_EQ(usual.spec.first_steps, 24);
  EXPECT_EQ(usual.spec.first_eta, 0.6);
  EXPECT_EQ(usual.spec.first_redrawn, 8);

  r.num_inference_steps = 3;
  EXPECT_EQ(plan(r, "genvid-tiny").spec.first_steps, 6) << "as many fewer as its windows have";
  EXPECT_EQ(plan(r, "genvid-tiny").spec.first_redrawn, 2);

  r.num_inference_steps = 12;
  r.scheduler = "unipc";
  const Plan other = plan(r, "genvid-tiny");
  EXPECT_EQ(other.spec.start_steps(), 12);
  EXPECT_EQ(other.spec.first_eta, 0) << "another sampler starts as it goes on";
  EXPECT_EQ(other.spec.first_redrawn, 0);
  EXPECT_LT(other.token_forwards, usual.token_forwards);
}

TEST(Plan, AModelOfOneSizeIsCropped) {
  Request r = request();
  r.size = Size{70, 50};
  const Plan p = plan(r, "tiny-genvid");
  EXPECT_EQ(p.spec.size, (Size{70, 50}));
  EXPECT_EQ(p.spec.model_size, (Size{80, 64}));
  r.size = Size{96, 64};
  expect_error(r, ErrorKind::kUsage, "makes 80x64", "tiny-genvid");
}

}  // namespace
}  // namespace genvid
