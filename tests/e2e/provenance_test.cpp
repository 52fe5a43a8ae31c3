// What made a file: signing, the history, and making a clip again, with the program as a user runs
// it. The C2PA library must be here (set-up for tests installs it): nothing is skipped without it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr char kPrompt[] = "a lighthouse in fog, seen from the sea";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Provenance : public testing::Test {
 protected:
  // A history and a secret of its own.
  Result run(const std::vector<std::string>& args, std::vector<std::string> environment = {}) {
    environment.insert(environment.begin(), "XDG_DATA_HOME=" + (dir_ / "home"));
    return genvid(args, "", environment);
  }

  std::vector<std::string> clip(const std::string& out, const std::vector<std::string>& more = {},
                                const std::string& model = "tiny-wan21") {
    std::vector<std::string> args = {kPrompt,  "-o",     dir_ / out, "--model",   models(model),
                                     "--seed", "5",      "--steps",  "2",         "--device",
                                     "cpu",    "--size", "48x32",    "--threads", "1"};
    if (std::find(more.begin(), more.end(), "--seconds") == more.end()) {
      args.insert(args.end(), {"--frames", "9"});
    }
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  std::string history() { return read_bytes(dir_ / "home/genvid/history.jsonl"); }

  void make_keys() {
    const Result r = run({"keys", "init", dir_ / "keys"});
    ASSERT_EQ(r.code, 0) << r.err;
    EXPECT_TRUE(has(r.err, "C2PA trust list")) << r.err;
    EXPECT_EQ(r.out, (dir_ / "keys/key.pem") + "\n" + (dir_ / "keys/chain.pem") + "\n" +
                         (dir_ / "keys/ca.pem") + "\n" + (dir_ / "keys/ca-key.pem") + "\n");
  }

  std::vector<std::string> sign(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--sign", dir_ / "keys/key.pem", "--cert", dir_ / "keys/chain.pem"});
    return more;
  }

  Json info(const std::string& name) {
    const Result r = run({"info", dir_ / name, "--json"});
    EXPECT_EQ(r.code, 0) << r.err;
    return r.code == 0 ? Json::parse(r.out) : Json();
  }

  // A digest for each decoded frame.
  std::string frames(const std::string& name) {
    const Result r =
        run_program("ffmpeg", {"-v", "error", "-i", dir_ / name, "-an", "-f", "framemd5", "-"});
    EXPECT_EQ(r.code, 0) << r.err;
    EXPECT_TRUE(has(r.out, "0,")) << r.out;
    return r.out;
  }

  // A clip made again is the same, frame by frame.
  void expect_rerun(const std::string& name, const std::vector<std::string>& more = {}) {
    const std::string again = "again-" + name;
    std::vector<std::string> args = {"rerun", dir_ / name, "-o", dir_ / again, "--overwrite"};
    args.insert(args.end(), more.begin(), more.end());
    const Result r = run(args);
    ASSERT_EQ(r.code, 0) << r.err;
    EXPECT_FALSE(has(r.err, "may differ")) << r.err;
    EXPECT_EQ(frames(name), frames(again));
    EXPECT_EQ(info(name).at("settings").at("clip_id"), info(again).at("settings").at("clip_id"));
  }

  TempDir dir_;
};

TEST_F(Provenance, TheHistoryKeepsThePromptAndTheFileDoesNot) {
  ASSERT_EQ(run(clip("a.mp4")).code, 0);
  EXPECT_FALSE(has(read_bytes(dir_ / "a.mp4"), "lighthouse"));
  const Json line = Json::parse(history());
  EXPECT_EQ(line.at("prompt"), kPrompt);
  EXPECT_EQ(line.at("output"), dir_ / "a.mp4");
  const Json settings = info("a.mp4").at("settings");
  EXPECT_EQ(line.at("record"), settings);
  EXPECT_EQ(settings.at("prompt_hmac").get<std::string>().size(), 64u);
  EXPECT_EQ(settings.at("model_digest").get<std::string>().size(), 64u);
  for (const char* file : {"history.jsonl", "secret"}) {
    struct stat about {};
    ASSERT_EQ(::stat((dir_ / ("home/genvid/" + std::string(file))).c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600u) << file;
  }
}

TEST_F(Provenance, HistoryAndEmbeddingAreTheUsersChoice) {
  ASSERT_EQ(run(clip("a.mp4", {"--no-history"})).code, 0);
  EXPECT_FALSE(fs::exists(dir_ / "home/genvid/history.jsonl"));
  const Result lost = run({"rerun", dir_ / "a.mp4", "-o", dir_ / "b.mp4"});
  EXPECT_EQ(lost.code, 2);
  EXPECT_TRUE(has(lost.err, "give it with --prompt")) << lost.err;
  const Result wrong =
      run({"rerun", dir_ / "a.mp4", "-o", dir_ / "b.mp4", "--prompt", "a lighthouse"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_TRUE(has(wrong.err, "HMAC")) << wrong.err;
  expect_rerun("a.mp4", {"--prompt", kPrompt, "--negative-prompt", ""});
  ASSERT_EQ(run(clip("e.mp4", {"--no-history", "--embed-prompt"})).code, 0);
  EXPECT_TRUE(has(read_bytes(dir_ / "e.mp4"), kPrompt));
  expect_rerun("e.mp4");
}

TEST_F(Provenance, ABrokenHistoryCostsNoClip) {
  std::ofstream(dir_ / "home") << "a file";
  const Result r = run(clip("a.mp4"));
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_TRUE(has(r.err, "history")) << r.err;
  EXPECT_FALSE(info("a.mp4").at("settings").contains("prompt_hmac"));
}

TEST_F(Provenance, RerunOfTextToVideo) {
  ASSERT_EQ(run(clip("a.mp4")).code, 0);
  expect_rerun("a.mp4");
  ASSERT_EQ(
      run(clip("b.mkv", {"--noise", "torch", "--scheduler", "euler", "--guidance-scale", "3"}))
          .code,
      0);
  expect_rerun("b.mkv");
}

TEST_F(Provenance, RerunOfAPictureAndOfALongClip) {
  ASSERT_EQ(run({"a house", "-o", dir_ / "in_%d.png", "--model", models("tiny-wan21"), "--frames",
                 "1", "--steps", "1", "--seed", "1", "--no-history"})
                .code,
            0);
  ASSERT_EQ(run(clip("i.mp4", {"--image", dir_ / "in_1.png"}, "tiny-wan21-i2v")).code, 0);
  expect_rerun("i.mp4");
  ASSERT_EQ(run(clip("l.mp4", {"--seconds", "7"})).code, 0);
  EXPECT_EQ(info("l.mp4").at("settings").at("rollout"), "overlap");
  expect_rerun("l.mp4");
  // The picture is another now.
  ASSERT_EQ(run({"a boat", "-o", dir_ / "in_%d.png", "--model", models("tiny-wan21"), "--frames",
                 "1", "--steps", "1", "--seed", "2", "--no-history", "--overwrite"})
                .code,
            0);
  const Result r = run({"rerun", dir_ / "i.mp4", "-o", dir_ / "x.mp4"});
  EXPECT_EQ(r.code, 2);
  EXPECT_TRUE(has(r.err, "sha256")) << r.err;
}

TEST_F(Provenance, RerunSaysWhatDiffers) {
  ASSERT_EQ(run(clip("a.mp4")).code, 0);
  const Result weights =
      run({"rerun", dir_ / "a.mp4", "-o", dir_ / "b.mp4", "--model", models("tiny-wan22-a14b")});
  EXPECT_EQ(weights.code, 3);
  EXPECT_TRUE(has(weights.err, "weights")) << weights.err;
  std::ofstream(dir_ / "text.mp4") << "no video";
  EXPECT_EQ(run({"rerun", dir_ / "text.mp4", "-o", dir_ / "b.mp4"}).code, 2);
  EXPECT_EQ(run({"rerun", dir_ / "none.mp4", "-o", dir_ / "b.mp4"}).code, 2);
  EXPECT_FALSE(fs::exists(dir_ / "b.mp4"));
}

TEST_F(Provenance, SignedFilesAreValidAndTheirPicturesUntouched) {
  make_keys();
  ASSERT_EQ(run(clip("plain.mp4")).code, 0);
  const Result r = run(clip("a.mp4", sign({"--credits", "Directed by A. Person\nLight: B. Person",
                                           "--likeness-consent", "C. Person agreed"})));
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(frames("plain.mp4"), frames("a.mp4"));
  const Json c2pa = info("a.mp4").at("c2pa");
  EXPECT_EQ(c2pa.at("state"), "valid");
  const std::string manifest = c2pa.at("manifest").dump();
  for (const char* part : {"c2pa.created", "trainedAlgorithmicMedia", "Light: B. Person",
                           "C. Person agreed", "model_digest"}) {
    EXPECT_TRUE(has(manifest, part)) << part;
  }
  expect_rerun("a.mp4");
}

TEST_F(Provenance, WhatCannotBeSignedIsRefusedBeforeWeights) {
  make_keys();
  const Result other = run({"keys", "init", dir_ / "other"});
  ASSERT_EQ(other.code, 0);
  std::ofstream(dir_ / "text.pem") << "no key";
  struct Case {
    std::vector<std::string> more;
    int code;
    const char* part;
    std::string environment = "X=1";
  };
  const std::string key = dir_ / "keys/key.pem", chain = dir_ / "keys/chain.pem";
  const std::vector<Case> cases = {
      {{"--sign", key}, 2, "--cert"},
      {{"--sign", dir_ / "text.pem", "--cert", chain}, 2, "no private key"},
      {{"--sign", dir_ / "none.pem", "--cert", chain}, 2, "none.pem"},
      {{"--sign", dir_ / "other/key.pem", "--cert", chain}, 2, "is not the key of"},
      {{"--sign", dir_ / "keys/ca-key.pem", "--cert", dir_ / "keys/ca.pem"}, 2, "signed by itself"},
      {{"--sign", key, "--cert", chain}, 7, "C2PA library", "GENVID_C2PA_LIB=/nowhere/lib.so"},
  };
  for (const Case& c : cases) {
    const Result r = run(clip("a.mp4", c.more), {c.environment});
    EXPECT_EQ(r.code, c.code) << r.err;
    EXPECT_TRUE(has(r.err, c.part)) << r.err;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    EXPECT_FALSE(fs::exists(dir_ / "a.mp4"));
  }
  const Result piped =
      run({kPrompt, "-o", "-", "--model", models("tiny-wan21"), "--sign", key, "--cert", chain});
  EXPECT_EQ(piped.code, 2);
  EXPECT_TRUE(has(piped.err, "cannot be signed")) << piped.err;
  EXPECT_EQ(run({"keys", "init", dir_ / "keys"}).code, 4) << "keys are never replaced";
}

TEST_F(Provenance, VerifySaysWhichLayersAreLeft) {
  make_keys();
  ASSERT_EQ(run(clip("a.mp4", sign({"--no-watermark"}))).code, 0);
  const auto verify = [&](const std::string& name, int code) {
    const Result r = run({"verify", dir_ / name, "--json"});
    EXPECT_EQ(r.code, code) << name << ": " << r.out << r.err;
    return Json::parse(r.out).at(0).at("layers");
  };
  const auto state = [](const Json& layers, const char* layer) {
    return layers.at(layer).at("state").get<std::string>();
  };
  Json layers = verify("a.mp4", 0);
  EXPECT_EQ(state(layers, "tags"), "valid");
  EXPECT_EQ(state(layers, "c2pa"), "valid");
  EXPECT_EQ(state(layers, "xmp"), "valid");
  EXPECT_EQ(state(layers, "watermark"), "unchecked") << "too small a clip to hold it";
  const Result trusted = run({"verify", dir_ / "a.mp4", "--trust", dir_ / "keys/ca.pem"});
  EXPECT_TRUE(has(trusted.out, "trusted")) << trusted.out;

  std::string bytes = read_bytes(dir_ / "a.mp4");
  bytes[bytes.find("mdat") + 100] ^= 1;
  std::ofstream(dir_ / "bent.mp4", std::ios::binary) << bytes;
  EXPECT_EQ(state(verify("bent.mp4", 1), "c2pa"), "damaged");

  const auto remux = [&](const std::string& to, const std::vector<std::string>& more) {
    std::vector<std::string> args = {"-v", "error", "-i", dir_ / "a.mp4", "-c", "copy"};
    args.insert(args.end(), more.begin(), more.end());
    args.push_back(dir_ / to);
    ASSERT_EQ(run_program("ffmpeg", args).code, 0);
  };
  remux("copied.mp4", {});
  EXPECT_EQ(state(verify("copied.mp4", 1), "c2pa"), "missing");
  remux("stripped.mp4", {"-map_metadata", "-1"});
  EXPECT_EQ(state(verify("stripped.mp4", 3), "tags"), "none");

  const Result both = run({"verify", dir_ / "a.mp4", dir_ / "stripped.mp4"});
  EXPECT_EQ(both.code, 3) << both.out;
  EXPECT_EQ(run({"verify", dir_ / "keys/key.pem"}).code, 2);
  const Result blind = run({"verify", dir_ / "a.mp4"}, {"GENVID_C2PA_LIB=/nowhere/lib.so"});
  EXPECT_EQ(blind.code, 7) << "signed, and nobody here can tell";
}

// Stripped and encoded again: the invisible mark names the clip, and the history knows it.
TEST_F(Provenance, AStrippedFileIsMadeAgainFromItsMark) {
  const Result made =
      run({kPrompt, "-o", dir_ / "a.mp4", "--model", models("tiny-wan21"), "--seconds", "2",
           "--size", "256x160", "--steps", "1", "--seed", "3", "--device", "cpu"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(run({"verify", dir_ / "a.mp4"}).code, 0);
  ASSERT_EQ(run_program("ffmpeg", {"-v", "error", "-i", dir_ / "a.mp4", "-map_metadata", "-1",
                                   "-crf", "23", dir_ / "s.mp4"})
                .code,
            0);
  const Result left = run({"verify", dir_ / "s.mp4"});
  EXPECT_EQ(left.code, 1) << left.out;
  EXPECT_TRUE(has(left.out, "watermark  valid")) << left.out;
  const Result again = run({"rerun", dir_ / "s.mp4", "-o", dir_ / "again.mp4"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(frames("a.mp4"), frames("again.mp4"));
  fs::remove(dir_ / "home/genvid/history.jsonl");
  const Result lost = run({"rerun", dir_ / "s.mp4", "-o", dir_ / "x.mp4"});
  EXPECT_EQ(lost.code, 2);
  EXPECT_TRUE(has(lost.err, "history here does not know")) << lost.err;
}

TEST_F(Provenance, ABatchSignsAndRemembersToo) {
  make_keys();
  Json jobs = {{"genvid", 1},
               {"output_dir", dir_ / "out"},
               {"output_template", "{id}.webm"},
               {"defaults",
                {{"model", models("tiny-wan21")},
                 {"num_frames", 5},
                 {"size", "48x32"},
                 {"num_inference_steps", 1},
                 {"device", "cpu"},
                 {"sign", dir_ / "keys/key.pem"},
                 {"cert", dir_ / "keys/chain.pem"},
                 {"likeness_consent", "C. Person agreed"}}},
               {"jobs",
                {{{"id", "a"}, {"prompt", "a red door"}, {"seed", 3}},
                 {{"id", "b"}, {"prompt", "a well"}},
                 {{"id", "c"}, {"prompt", "a red door"}, {"seed", 3}}}}};
  std::ofstream(dir_ / "jobs.json") << jobs.dump();
  const Result r = run({"batch", dir_ / "jobs.json", "--progress", "none"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_TRUE(fs::exists(dir_ / "out/a.c2pa"));
  const Json c2pa = info("out/a.webm").at("c2pa");
  EXPECT_EQ(c2pa.at("state"), "valid");
  EXPECT_TRUE(has(c2pa.at("manifest").dump(), "C. Person agreed"));
  // The same clip twice is made once; its copy is as good.
  EXPECT_EQ(info("out/c.webm").at("c2pa").at("state"), "valid");
  EXPECT_TRUE(has(history(), "a red door") && has(history(), "a well"));
  fs::rename(dir_ / "out/b.webm", dir_ / "b.webm");
  fs::rename(dir_ / "out/b.c2pa", dir_ / "b.c2pa");
  expect_rerun("b.webm");
}

}  // namespace
}  // namespace genvid::e2e
