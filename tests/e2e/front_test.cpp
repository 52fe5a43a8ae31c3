// What the program answers without its engine.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Front, VersionAndHelp) {
  const Result version = genvid({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_TRUE(has(version.out, "genvid ")) << version.out;
  EXPECT_TRUE(has(version.out, "licence")) << version.out;
  EXPECT_EQ(version.err, "");
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"--help"}, {"decode", "--help"}, {"models", "check", "-h"}}) {
    const Result help = genvid(args);
    EXPECT_EQ(help.code, 0);
    EXPECT_TRUE(has(help.out, "Usage")) << help.out;
    EXPECT_EQ(help.err, "");
  }
}

TEST(Front, LoadsNoTorch) {
  const Result r = run_program("ldd", {std::string(GENVID_BINARY_DIR) + "/genvid"});
  ASSERT_EQ(r.code, 0);
  EXPECT_FALSE(has(r.out, "torch")) << r.out;
  EXPECT_FALSE(has(r.out, "not found")) << r.out;
}

TEST(Front, DryRunPrintsThePlanAndWritesNothing) {
  const TempDir dir;
  const Result r = genvid({"a house", "-o", dir / "a.mp4", "--model", models("tiny-wan21"),
                           "--seconds", "2", "--seed", "7", "--size", "50x34", "--dry-run"});
  EXPECT_EQ(r.code, 0) << r.err;
  for (const char* part : {"Wan2.1 T2V", "32 frames at 16", "2.000 s", "made as 64x48, 33 frames",
                           "6 steps of unipc", "seed 7", "108 tokens", "memory", "time"}) {
    EXPECT_TRUE(has(r.out, part)) << part << " is not in: " << r.out;
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(Front, PromptsFromEverywhere) {
  const TempDir dir;
  std::ofstream(dir / "p.txt") << "a house\n";
  const auto dry = [&](std::vector<std::string> args, const std::string& input = "") {
    args.insert(args.end(), {"--model", models("tiny-wan21"), "--dry-run"});
    const Result r = genvid(args, input);
    return r.code == 0 ? "ok" : r.err;
  };
  EXPECT_EQ(dry({"a house"}), "ok");
  EXPECT_EQ(dry({"-"}, "a house\n"), "ok");
  EXPECT_EQ(dry({"--prompt-file", dir / "p.txt"}), "ok");
  EXPECT_EQ(dry({"--prompt-file", "-"}, "a house"), "ok");
  // Words that mean something to a command line.
  for (const char* prompt :
       {"doctor", "models", "info", "-", "--steps", "[a, b]", "{}", "%%", "a,b"}) {
    EXPECT_EQ(dry({std::string("--prompt=") + prompt}), "ok") << prompt;
  }
}

TEST(Front, FlagsWinOverAPreset) {
  const TempDir dir;
  std::ofstream(dir / "p.json") << R"({"prompt": "a house", "seed": 5, "num_inference_steps": 3,
    "size": "64x48"})";
  const Result r = genvid(
      {"--config", dir / "p.json", "--steps", "4", "--model", models("tiny-wan21"), "--dry-run"});
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_TRUE(has(r.out, "4 steps")) << r.out;
  EXPECT_TRUE(has(r.out, "seed 5")) << r.out;
  EXPECT_TRUE(has(r.out, "64x48")) << r.out;
}

TEST(Front, ModelsByNameFolderAndEnvironment) {
  EXPECT_TRUE(has(genvid({"models", "list"}).out, "tiny-wan22-ti2v"));
  EXPECT_EQ(genvid({"a", "--model", "tiny-wan21", "--dry-run"}).code, 0);
  const TempDir dir;
  std::filesystem::create_directory_symlink(models("tiny-wan21"), dir / "mine");
  const std::vector<std::string> environment = {"GENVID_MODELS=" + dir.path().string()};
  EXPECT_EQ(genvid({"a", "--model", "mine", "--dry-run"}, "", environment).code, 0);
  EXPECT_TRUE(has(genvid({"models", "list"}, "", environment).out, "mine"));
  const Result info = genvid({"models", "info", "tiny-wan22-a14b"});
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_TRUE(has(info.out, "transformer_2")) << info.out;
}

TEST(Front, ModelsTensorsListsNamesAndShapes) {
  const Result r = genvid({"models", "tensors", "tiny-wan21"});
  ASSERT_EQ(r.code, 0) << r.err;
  const auto list = nlohmann::json::parse(r.out);
  const auto& patch = list.at("transformer").at("patch_embedding.weight");
  EXPECT_EQ(patch.get<std::vector<int>>(), (std::vector<int>{32, 16, 1, 2, 2}));
}

TEST(Front, LongerThanTheWindowWarns) {
  const Result r = genvid({"a", "--model", models("tiny-wan21"), "--seconds", "10", "--rollout",
                           "window", "--dry-run"});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.err.rfind("genvid: warning: ", 0), 0u) << r.err;
  EXPECT_TRUE(has(r.out, "81 frames")) << r.out;
}

}  // namespace
}  // namespace genvid::e2e
