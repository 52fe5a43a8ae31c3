// --prompt-at: a clip is the same up to where another prompt takes over, and another one behind it.
#include <gtest/gtest.h>

#include <ostream>

#include <nlohmann/json.hpp>

#include "e2e/digests_helper.h"
#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

using Args = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Case {
  const char* model;
  const char* steps;
  const char* seconds;
  bool same_before;  // earlier parts do not see later ones
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.model; }

class PromptAt : public testing::TestWithParam<Case> {
 protected:
  Args with(const std::string& out, Args more) {
    Args args = {"a house",
                 "-o",
                 dir_ / out,
                 "--model",
                 models(GetParam().model),
                 "--steps",
                 GetParam().steps,
                 "--seconds",
                 GetParam().seconds,
                 "--seed",
                 "3",
                 "--no-watermark"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  TempDir dir_;
};

TEST_P(PromptAt, ChangesTheClipFromThereOn) {
  const Args change = {"--prompt-at", "2s", "a boat on the sea at night"};
  Args planned = with("x.mkv", change);
  planned.push_back("--dry-run");
  const Result plan = genvid(planned);
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_TRUE(has(plan.out, "(asked 2.000 s): a boat on the sea at night")) << plan.out;

  ASSERT_EQ(genvid(with("a.mkv", {})).code, 0);
  const Result made = genvid(with("b.mkv", change));
  ASSERT_EQ(made.code, 0) << made.err;
  ASSERT_EQ(genvid(with("c.mkv", {"--prompt-at", "2s", "a house"})).code, 0);
  const auto a = frame_digests(dir_ / "a.mkv"), b = frame_digests(dir_ / "b.mkv");
  ASSERT_EQ(a.size(), b.size());
  EXPECT_EQ(a, frame_digests(dir_ / "c.mkv")) << "the same prompt again changes nothing";
  EXPECT_NE(a.back(), b.back());

  const auto info = nlohmann::json::parse(genvid({"info", dir_ / "b.mkv", "--json"}).out);
  const double start = info.at("settings").at("prompt_changes").at(0);
  EXPECT_FALSE(has(info.dump(), "a boat")) << "prompts stay with the user";
  if (!GetParam().same_before) return;
  const double fps = static_cast<double>(a.size()) / std::stod(GetParam().seconds);
  const auto border = static_cast<size_t>(start * fps + 0.5);
  for (size_t n = 0; n < border; ++n) ASSERT_EQ(a[n], b[n]) << "frame " << n;
  EXPECT_NE(a[border], b[border]);
}

INSTANTIATE_TEST_SUITE_P(Models, PromptAt,
                         testing::Values(Case{"tiny-genvid", "2", "5", true},
                                         Case{"tiny-wan22-ti2v", "2", "8", true},
                                         Case{"tiny-skyreels-v2-df", "2", "8", true},
                                         Case{"../tests/data/tiny-wan21-causal", "4", "3", true},
                                         Case{"tiny-wan21", "2", "8", false}),
                         [](const auto& p) { return test_name({p.param.model}); });

TEST(CutAt, BeginsAnotherScene) {
  const TempDir dir;
  const auto args = [&](const std::string& out, Args more) {
    Args all = {"a house", "-o", dir / out,   "--model", models("../tests/data/tiny-wan21-causal"),
                "--seed",  "3",  "--seconds", "3",       "--no-watermark"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  // In any order on the command line.
  const Args cut = {"--cut-at", "2s", "a boat", "--prompt-at", "1s", "night"};
  const Result plan = genvid(args("x.mkv", {"--cut-at", "2s", "a boat", "--dry-run"}));
  EXPECT_TRUE(has(plan.out, "cut        from 2.062 s (asked 2.000 s): a boat")) << plan.out;
  ASSERT_EQ(genvid(args("cut.mkv", cut)).code, 0);
  ASSERT_EQ(
      genvid(args("on.mkv", {"--prompt-at", "1s", "night", "--prompt-at", "2s", "a boat"})).code,
      0);
  const auto a = frame_digests(dir / "cut.mkv"), b = frame_digests(dir / "on.mkv");
  ASSERT_EQ(a.size(), 48u);
  ASSERT_EQ(b.size(), 48u);
  for (size_t n = 0; n < 33; ++n) ASSERT_EQ(a[n], b[n]) << "frame " << n;
  EXPECT_NE(a[33], b[33]);

  const auto record =
      nlohmann::json::parse(genvid({"info", dir / "cut.mkv", "--json"}).out).at("settings");
  EXPECT_EQ(record.at("cuts"), nlohmann::json({33}));
  EXPECT_EQ(record.at("borders"), nlohmann::json({9, 21, 45}));
  const auto quality = nlohmann::json::parse(genvid({"quality", dir / "cut.mkv", "--json"}).out);
  EXPECT_FALSE(has(quality.at("findings").dump(), "a cut at frame 33")) << "it was asked for";
  const Result again = genvid({"rerun", dir / "cut.mkv", "-o", dir / "again.mkv", "--model",
                               models("../tests/data/tiny-wan21-causal")});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(a, frame_digests(dir / "again.mkv"));
}

TEST(PromptAtRefused, WhatIsNoTimeOrNoPrompt) {
  const auto refused = [](Args more, const std::string& part) {
    Args args = {"a house", "-o", "x.mp4", "--model", models("tiny-genvid"), "--seconds", "5"};
    args.insert(args.end(), more.begin(), more.end());
    const Result r = genvid(args);
    EXPECT_EQ(r.code, 2) << part;
    EXPECT_TRUE(has(r.err, part)) << r.err;
  };
  refused({"--prompt-at", "-1s", "x"}, "no time in the clip");
  refused({"--prompt-at", "5s", "x"}, "clip's end");
  refused({"--prompt-at", "2s", ""}, "no prompt behind its time");
  refused({"--prompt-at", "3s", "--overwrite"}, "a prompt in quotes");
  refused({"--prompt-at", "3s", "x", "--prompt-at", "2s", "y"}, "times must grow");
  refused({"--prompt-at", "2s", "x", "--prompt-at", "2s", "y"}, "times must grow");
  refused({"--prompt-at", "2s", "x", "--cut-at", "2s", "y"}, "times must grow");
  refused({"--cut-at", "2s", "x"}, "LongLive-2.0");
  refused({"--prompt-at", "2s", "x", "--loop"}, "one prompt");
  refused({"--prompt-at", "2s", "x", "--rollout", "window"}, "one window");
}

TEST(PromptAtRerun, WantsThePromptsAgain) {
  const TempDir dir;
  const Args args = {"a house", "-o",          dir / "a.mkv", "--model", models("tiny-genvid"),
                     "--steps", "1",           "--seconds",   "5",       "--seed",
                     "3",       "--prompt-at", "2s",          "a boat",  "--no-history"};
  ASSERT_EQ(genvid(args).code, 0);
  const auto again = [&](Args more) {
    Args all = {"rerun",        dir / "a.mkv",       "-o", dir / "b.mkv", "--prompt", "a house",
                "--no-history", "--negative-prompt", ""};
    all.insert(all.end(), more.begin(), more.end());
    return genvid(all);
  };
  const Result without = again({});
  EXPECT_EQ(without.code, 2);
  EXPECT_TRUE(has(without.err, "--prompt-at")) << without.err;
  const Result other = again({"--prompt-at", "2s", "a ship"});
  EXPECT_EQ(other.code, 2);
  EXPECT_TRUE(has(other.err, "HMAC")) << other.err;
  const Result r = again({"--prompt-at", "2s", "a boat"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(frame_digests(dir / "a.mkv"), frame_digests(dir / "b.mkv"));
}

}  // namespace
}  // namespace genvid::e2e
