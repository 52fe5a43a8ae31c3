// --loop: the last frame flows into the first.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "e2e/digests_helper.h"
#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

using Args = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

nlohmann::json quality_of(const std::string& path) {
  const Result r = genvid({"quality", path, "--json"});
  EXPECT_EQ(r.code, 0) << r.err;
  return nlohmann::json::parse(r.out);
}

// Mean change of brightness from each frame to the next; the last one goes to the first frame.
std::vector<double> steps_of(const std::string& path, size_t pixels) {
  const std::string raw =
      run_program("ffmpeg", {"-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"})
          .out;
  const size_t frames = raw.size() / pixels;
  std::vector<double> steps;
  for (size_t n = 0; n < frames; ++n) {
    double sum = 0;
    for (size_t i = 0; i < pixels; ++i) {
      sum += std::abs(static_cast<uint8_t>(raw[n * pixels + i]) -
                      static_cast<uint8_t>(raw[(n + 1) % frames * pixels + i]));
    }
    steps.push_back(sum / static_cast<double>(pixels));
  }
  return steps;
}

// From the last frame to the first it is about as far as between others, the invisible mark
// included, and there is no step from latent frame to latent frame.
TEST(Loop, TheDefaultModelFlowsIntoItsStart) {
  const TempDir dir;
  const Result made = genvid({"a house by the sea", "-o", dir / "a.mkv", "--seconds", "3",
                              "--steps", "8", "--seed", "3", "--loop"});
  ASSERT_EQ(made.code, 0) << made.err;
  const std::vector<double> steps = steps_of(dir / "a.mkv", 256 * 160);
  ASSERT_EQ(steps.size(), 36u);
  std::vector<double> between, inside;  // latent frames of four frames each
  for (size_t n = 0; n + 1 < steps.size(); ++n) (n % 4 == 3 ? between : inside).push_back(steps[n]);
  const auto median = [](std::vector<double> of) {
    std::nth_element(of.begin(), of.begin() + of.size() / 2, of.end());
    return of[of.size() / 2];
  };
  EXPECT_LE(steps.back(), 1.2 * median({steps.begin(), steps.end() - 1}))
      << testing::PrintToString(steps);
  EXPECT_LE(median(between), 1.25 * median(inside)) << testing::PrintToString(steps);
}

TEST(Loop, OneWindowAndSeveralOfEveryModelThatCan) {
  const TempDir dir;
  struct Case {
    const char *model, *seconds, *windows;
    int frames;
  };
  for (const Case& c :
       {Case{"tiny-wan21", "2", "1 window", 32}, Case{"tiny-wan21", "8", "2 w", 128},
        Case{"tiny-genvid", "5", " windows", 60}}) {
    Args args = {"a house",   "-o",      dir / "a.gif", "--model", models(c.model),
                 "--seconds", c.seconds, "--steps",     "2",       "--seed",
                 "3",         "--loop",  "--overwrite"};
    Args planned = args;
    planned.push_back("--dry-run");
    EXPECT_TRUE(has(genvid(planned).out, c.windows)) << genvid(planned).out;
    const Result r = genvid(args);
    ASSERT_EQ(r.code, 0) << r.err;
    args[2] = dir / "a.mkv";
    ASSERT_EQ(genvid(args).code, 0);
    EXPECT_EQ(quality_of(dir / "a.mkv").at("frames"), c.frames);
  }
}

// Its latents decode to the very frames: the decoder begins as it is after the end.
TEST(Loop, ItsLatentsDecodeToTheSameFrames) {
  for (const char* model : {"tiny-wan21", "tiny-genvid"}) {
    const TempDir dir;
    ASSERT_EQ(genvid({"a house", "-o", dir / "a.mkv", "--model", models(model), "--seconds", "2",
                      "--steps", "2", "--seed", "3", "--loop", "--no-watermark", "--save-latents",
                      dir / "a.safetensors"})
                  .code,
              0);
    const Result r = genvid({"decode", dir / "a.safetensors", "-o", dir / "b.mkv", "--model",
                             models(model), "--no-watermark"});
    ASSERT_EQ(r.code, 0) << r.err;
    EXPECT_EQ(frame_digests(dir / "a.mkv"), frame_digests(dir / "b.mkv")) << model;
  }
}

TEST(Loop, SaysWhenFramesAreAddedAndWhatCannot) {
  const Result odd =
      genvid({"a house", "--loop", "--frames", "30", "--dry-run", "--model", models("tiny-wan21")});
  EXPECT_EQ(odd.code, 0) << odd.err;
  EXPECT_TRUE(has(odd.err, "made are 32, not 30")) << odd.err;
  const auto refused = [](Args more, const std::string& part) {
    Args args = {"a house", "-o", "x.mp4", "--loop"};
    args.insert(args.end(), more.begin(), more.end());
    const Result r = genvid(args);
    EXPECT_EQ(r.code, 2);
    EXPECT_TRUE(has(r.err, part)) << r.err;
  };
  refused({"--image", "a.png", "--model", models("tiny-wan22-ti2v")}, "leave --image");
  refused({"--model", models("tiny-wan21-i2v")}, "starts nowhere");
  refused({"--model", models("../tests/data/tiny-wan21-causal")}, "not causal");
  refused({"--rollout", "extend"}, "give one of the two");
  refused({"--extend", "a.mp4"}, "--extend");
}

}  // namespace
}  // namespace genvid::e2e
