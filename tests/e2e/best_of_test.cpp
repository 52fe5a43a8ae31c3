// --best-of: the file is that of the winning seed made alone, byte for byte, and nothing of the
// others is left.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

namespace fs = std::filesystem;

using Args = std::vector<std::string>;
using nlohmann::json;

json record_of(const std::string& path) {
  return json::parse(genvid({"info", path, "--json"}).out).at("settings");
}

json line_of(const std::string& err, const std::string& event) {
  std::istringstream lines(err);
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"event\":\"" + event + "\"") != std::string::npos) return json::parse(line);
  }
  return nullptr;
}

struct Case {
  const char *model, *steps, *seconds;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.model; }

class BestOf : public testing::TestWithParam<Case> {
 protected:
  Args args(const std::string& out, Args more) const {
    Args all = {"a house",  "--model",        models(GetParam().model),
                "--steps",  GetParam().steps, "-o",
                dir_ / out, "--seconds",      GetParam().seconds};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  TempDir dir_;
};

TEST_P(BestOf, KeepsTheSeedWithTheSmallestScore) {
  Args three = args("a.mkv", {"--seed", "5", "--best-of", "3", "--progress", "json"});
  Args planned = three;
  planned.push_back("--dry-run");
  EXPECT_NE(genvid(planned).out.find("3 seeds, 5 to 7"), std::string::npos);
  const Result r = genvid(three);
  ASSERT_EQ(r.code, 0) << r.err;

  const json chosen = line_of(r.err, "chosen");
  ASSERT_EQ(chosen.at("candidates").size(), 3u);
  json best = chosen.at("candidates").at(0);
  for (const json& c : chosen.at("candidates")) {
    if (c.at("score") < best.at("score")) best = c;
  }
  EXPECT_EQ(chosen.at("seed"), best.at("seed"));
  EXPECT_EQ(record_of(dir_ / "a.mkv").at("seed"), best.at("seed"));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 1) << "something is left";

  ASSERT_EQ(genvid(args("b.mkv", {"--seed", best.at("seed").dump()})).code, 0);
  EXPECT_TRUE(read_bytes(dir_ / "a.mkv") == read_bytes(dir_ / "b.mkv"));
}

INSTANTIATE_TEST_SUITE_P(Models, BestOf,
                         testing::Values(Case{"tiny-genvid", "2", "4"},
                                         Case{"tiny-wan21", "2", "7"},
                                         Case{"tiny-wan22-ti2v", "2", "6"},
                                         Case{"../tests/data/tiny-wan21-causal", "4", "3"}),
                         [](const auto& p) { return test_name({p.param.model}); });

class BestOfBatch : public testing::Test {
 protected:
  BestOfBatch() {
    std::ofstream(dir_ / "jobs.json")
        << R"({"genvid": 1, "jobs": [{"id": "a", "prompt": "a house", "model": ")"
        << models("tiny-genvid")
        << R"(", "seconds": 4, "num_inference_steps": 1, "seed": 5, "best_of": 3,
               "output": "a.mkv", "codec": "ffv1"}]})";
  }
  Result batch(Args more) {
    Args all = {"batch", dir_ / "jobs.json", "--out-dir", dir_ / "out"};
    all.insert(all.end(), more.begin(), more.end());
    return genvid(all);
  }
  size_t kept() const {
    size_t files = 0;
    std::error_code error;
    for (const auto& e : fs::recursive_directory_iterator(dir_.path(), error)) {
      files += e.path().string().find(".latents.") != std::string::npos ? 1 : 0;
    }
    return files;
  }
  TempDir dir_;
};

TEST_F(BestOfBatch, NotesSeedsAndScoresAndLeavesNothing) {
  const Result r = batch({});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(kept(), 0u);
  std::string journal;
  for (const auto& e : fs::recursive_directory_iterator(dir_.path())) {
    if (e.path().extension() == ".jsonl") journal += read_bytes(e.path());
  }
  const std::string seed = record_of(dir_ / "out/a.mkv").at("seed").dump();
  EXPECT_NE(journal.find("seed " + seed + " is the best of 3"), std::string::npos) << journal;
  ASSERT_EQ(genvid({"a house", "-o", dir_ / "b.mkv", "--codec", "ffv1", "--model",
                    models("tiny-genvid"), "--seconds", "4", "--steps", "1", "--seed", seed})
                .code,
            0);
  EXPECT_TRUE(read_bytes(dir_ / "out/a.mkv") == read_bytes(dir_ / "b.mkv"));
}

TEST_F(BestOfBatch, TheChoiceIsKeptWithItsLatents) {
  ASSERT_EQ(batch({"--keep-latents"}).code, 0);
  const std::string first = read_bytes(dir_ / "out/a.mkv");
  const size_t files = kept();
  EXPECT_GT(files, 0u);
  ASSERT_TRUE(fs::remove(dir_ / "out/a.mkv"));
  const Result again = batch({"--keep-latents"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(kept(), files);
  EXPECT_TRUE(first == read_bytes(dir_ / "out/a.mkv"));
}

// The output fails: the winner's latents are rescued, and no other's.
TEST(BestOfRescue, AFullDiskKeepsTheWinnersLatents) {
  const TempDir dir;
  const Args args = {"a house",
                     "-o",
                     dir / "a.mkv",
                     "--codec",
                     "ffv1",
                     "--model",
                     models("tiny-genvid"),
                     "--seconds",
                     "4",
                     "--steps",
                     "1",
                     "--seed",
                     "5",
                     "--best-of",
                     "2",
                     "--no-history"};
  ASSERT_EQ(genvid(args).code, 0);
  const auto blocks = std::to_string(fs::file_size(dir / "a.mkv") / 2 / 512);
  fs::remove(dir / "a.mkv");
  Args limited = {"-c", "ulimit -f " + blocks + " && exec \"$@\"", "sh",
                  std::string(GENVID_BINARY_DIR) + "/genvid"};
  limited.insert(limited.end(), args.begin(), args.end());
  const Result r = run_program("/bin/sh", limited);
  EXPECT_EQ(r.code, 4) << r.err;
  EXPECT_TRUE(fs::exists(dir / "a.mkv.latents.safetensors")) << r.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1) << "something else is left";
}

TEST(BestOfRefused, WhatHasNoChoice) {
  const Result many = genvid({"a house", "-o", "x.mp4", "--best-of", "65"});
  EXPECT_EQ(many.code, 2);
  EXPECT_NE(many.err.find("64"), std::string::npos) << many.err;
  const TempDir dir;
  ASSERT_EQ(genvid({"a house", "-o", dir / "a.mkv", "--model", models("tiny-genvid"), "--frames",
                    "8", "--steps", "1", "--save-latents", dir / "a.safetensors"})
                .code,
            0);
  const Result same =
      genvid({"a house", "-o", dir / "b.mkv", "--model", models("tiny-genvid"), "--frames", "8",
              "--init-latents", dir / "a.safetensors", "--best-of", "2"});
  EXPECT_EQ(same.code, 2);
  EXPECT_NE(same.err.find("--init-latents"), std::string::npos) << same.err;
}

}  // namespace
}  // namespace genvid::e2e
