// Clips longer than a model's own window: exactly the seconds asked for, whatever the rollout.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include <nlohmann/json.hpp>

#include "e2e/digests_helper.h"
#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

struct Case {
  const char* model;
  const char* rollout;
  bool image;
  int fps;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.model; }

class LongClips : public testing::TestWithParam<Case> {};

TEST_P(LongClips, FifteenSecondsAreExact) {
  const Case c = GetParam();
  const TempDir dir;
  std::vector<std::string> args{"a house by the sea",
                                "-o",
                                dir / "a.mkv",
                                "--model",
                                models(c.model),
                                "--seconds",
                                "15",
                                "--steps",
                                std::string(c.rollout) == "causal" ? "4" : "2",
                                "--seed",
                                "3"};
  if (c.image) {
    ASSERT_EQ(genvid({"a house", "-o", dir / "in_%d.png", "--model", models("tiny-wan21"),
                      "--frames", "1", "--steps", "1", "--seed", "1"})
                  .code,
              0);
    args.insert(args.end(), {"--image", dir / "in_1.png"});
  }
  std::vector<std::string> plan = args;
  plan.push_back("--dry-run");
  const Result planned = genvid(plan);
  EXPECT_NE(planned.out.find(c.rollout), std::string::npos) << planned.out;

  const Result made = genvid(args);
  ASSERT_EQ(made.code, 0) << made.err;
  const Result info = genvid({"info", dir / "a.mkv", "--json"});
  ASSERT_EQ(info.code, 0) << info.err;
  const auto json = nlohmann::json::parse(info.out);
  EXPECT_EQ(json.at("frames").get<int>(), 15 * c.fps) << info.out;

  // The report looks at the borders that the file records.
  const Result quality = genvid({"quality", dir / "a.mkv", "--json"});
  ASSERT_EQ(quality.code, 0) << quality.err;
  const auto report = nlohmann::json::parse(quality.out);
  EXPECT_EQ(report.at("frames").get<int>(), 15 * c.fps);
  EXPECT_FALSE(report.at("seams").empty()) << quality.out;
  for (const auto& seam : report.at("seams")) {
    EXPECT_GT(seam.at("frame").get<int>(), 0);
    EXPECT_LT(seam.at("frame").get<int>(), 15 * c.fps);
  }

  const std::string first = read_bytes(dir / "a.mkv");
  args.push_back("--overwrite");
  ASSERT_EQ(genvid(args).code, 0);
  EXPECT_TRUE(first == read_bytes(dir / "a.mkv")) << "the same command gives the same file";
}

INSTANTIATE_TEST_SUITE_P(
    Models, LongClips,
    testing::Values(Case{"tiny-wan21", "overlap", false, 16},
                    Case{"../tests/data/tiny-wan21-causal", "causal", false, 16},
                    Case{"tiny-wan22-a14b", "overlap", false, 16},
                    Case{"tiny-wan22-ti2v", "continue", false, 24},
                    Case{"tiny-wan22-ti2v", "continue", true, 24},
                    Case{"tiny-wan21-i2v", "continue", true, 16},
                    Case{"tiny-skyreels-v2-df", "diffusion-forcing", false, 24},
                    Case{"tiny-skyreels-v2-df", "diffusion-forcing", true, 24},
                    Case{"tiny-genvid", "extend", false, 12},
                    Case{"tiny-genvid", "extend", true, 12}),
    [](const auto& p) {
      return test_name({p.param.model, p.param.rollout, p.param.image ? "image" : "text"});
    });

// Two clips behind each other, of which only the second is told the last picture: it changes that
// one alone.
TEST(LongClipsLed, OnlyTheLastClipOfAChainIsLed) {
  const TempDir dir;
  const auto picture = [&](const std::string& name, const char* seed) {
    const Result r =
        genvid({"a house", "-o", dir / (name + "_%d.png"), "--model", models("tiny-wan21"),
                "--frames", "1", "--steps", "1", "--seed", seed});
    ASSERT_EQ(r.code, 0) << r.err;
  };
  picture("first", "1");
  picture("last", "2");
  picture("other", "3");
  const auto frames = [&](const std::string& last) {
    const Result r =
        genvid({"a house", "-o", dir / (last + ".y4m"), "--model", models("tiny-wan22-i2v-a14b"),
                "--seconds", "7", "--steps", "2", "--seed", "3", "--image", dir / "first_1.png",
                "--last-image", dir / (last + "_1.png"), "--no-watermark"});
    EXPECT_EQ(r.code, 0) << r.err;
    return read_bytes(dir / (last + ".y4m"));
  };
  const std::string one = frames("last"), two = frames("other");
  ASSERT_EQ(one.size(), two.size());
  const auto parted = std::mismatch(one.begin(), one.end(), two.begin()).first - one.begin();
  const auto middle = static_cast<std::ptrdiff_t>(one.size() / 2);
  EXPECT_GT(parted, middle * 9 / 10) << "the first clip is not led anywhere";
  EXPECT_LT(parted, middle * 11 / 10) << "the second one is";
}

// The file may grow to half of what it needs: the clip is sampled to its end all the same, and what
// is kept decodes to the whole clip.
TEST(LongClipsRescue, AFullDiskKeepsAllLatents) {
  struct Model {
    const char* name;
    const char* steps;
  };
  for (const auto& [name, steps] : {Model{"tiny-genvid", "2"}, Model{"tiny-skyreels-v2-df", "2"},
                                    Model{"../tests/data/tiny-wan21-causal", "4"}}) {
    const TempDir dir;
    const auto args = [&](const std::string& file) {
      return std::vector<std::string>{
          "a house",     "-o", dir / file, "--codec", "ffv1",   "--model", models(name),
          "--seconds",   "6",  "--steps",  steps,     "--seed", "3",       "--no-watermark",
          "--no-history"};
    };
    std::vector<std::string> whole = args("whole.mkv");
    whole.insert(whole.end(), {"--save-latents", dir / "whole.safetensors"});
    ASSERT_EQ(genvid(whole).code, 0) << name;
    const std::string blocks =
        std::to_string(std::filesystem::file_size(dir / "whole.mkv") / 2 / 512);
    std::vector<std::string> limited{"-c", "ulimit -f " + blocks + " && exec \"$@\"", "sh",
                                     std::string(GENVID_BINARY_DIR) + "/genvid"};
    for (const std::string& a : args("a.mkv")) limited.push_back(a);
    const Result r = run_program("/bin/sh", limited);
    EXPECT_EQ(r.code, 4) << name << r.err;
    EXPECT_NE(r.err.find("genvid decode"), std::string::npos) << r.err;
    EXPECT_FALSE(std::filesystem::exists(dir / "a.mkv"));
    EXPECT_TRUE(read_bytes(dir / "a.mkv.latents.safetensors") ==
                read_bytes(dir / "whole.safetensors"))
        << name;
  }
}

// Block behind block, at a length that is whole in nothing.
TEST(LongClipsForcing, BlocksBehindEachOther) {
  const TempDir dir;
  const Result made = genvid({"a house by the sea",
                              "-o",
                              dir / "a.mkv",
                              "--model",
                              models("tiny-skyreels-v2-df"),
                              "--frames",
                              "150",
                              "--steps",
                              "2",
                              "--ar-step",
                              "1",
                              "--causal-block-size",
                              "3",
                              "--overlap-history",
                              "18",
                              "--addnoise-condition",
                              "20",
                              "--seed",
                              "3",
                              "--embed-prompt",
                              "--no-history"});
  ASSERT_EQ(made.code, 0) << made.err;
  const Result info = genvid({"info", dir / "a.mkv", "--json"});
  const auto json = nlohmann::json::parse(info.out);
  EXPECT_EQ(json.at("frames"), 150) << info.out;
  EXPECT_EQ(json.at("settings").at("ar_step"), 1);
  EXPECT_EQ(json.at("settings").at("overlap_history"), 21) << "six latent frames, two blocks";
  const Result again = genvid({"rerun", dir / "a.mkv", "-o", dir / "b.mkv", "--no-history"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(frame_digests(dir / "a.mkv"), frame_digests(dir / "b.mkv"));
}

TEST(LongClipsRefused, ForcingOnOtherModels) {
  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{"--rollout", "diffusion-forcing"},
        std::vector<std::string>{"--ar-step", "5"}}) {
    std::vector<std::string> args = {"a house",  "-o", "x.mp4", "--model", models("tiny-wan21"),
                                     "--dry-run"};
    args.insert(args.end(), flags.begin(), flags.end());
    const Result r = genvid(args);
    EXPECT_EQ(r.code, 2);
    EXPECT_NE(r.err.find("SkyReels-V2 DF"), std::string::npos) << r.err;
  }
}

TEST(LongClipsRefused, WhatTheCheckpointCannotDo) {
  const Result r = genvid({"a house", "-o", "x.mp4", "--model", models("tiny-wan21"), "--rollout",
                           "continue", "--dry-run"});
  EXPECT_EQ(r.code, 2);
  EXPECT_NE(r.err.find("overlap"), std::string::npos) << r.err;
}

}  // namespace
}  // namespace genvid::e2e
