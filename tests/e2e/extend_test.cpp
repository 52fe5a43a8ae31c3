// --extend: a video goes on after its last frame, in one file or alone, and what cannot be gone on
// from is refused before anything is made.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "e2e/digests_helper.h"
#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

using Args = std::vector<std::string>;
using nlohmann::json;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

json info_of(const std::string& path) {
  const Result r = genvid({"info", path, "--json"});
  EXPECT_EQ(r.code, 0) << r.err;
  return json::parse(r.out);
}

struct Case {
  const char* model;
  const char* rollout;
  const char* steps;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.model; }

class Extend : public testing::TestWithParam<Case> {
 protected:
  // Lossless and without a mark, so that old frames can be compared.
  Result make(const std::string& out, Args more) {
    Args args = {
        "a house by the sea", "-o",     out, "--model",       models(GetParam().model), "--steps",
        GetParam().steps,     "--seed", "3", "--no-watermark"};
    args.insert(args.end(), more.begin(), more.end());
    return genvid(args);
  }

  // A clip of two seconds at 16 frames a second, of another shape than the models'.
  void make_old() {
    ASSERT_EQ(
        run_program("ffmpeg", {"-v", "error", "-f", "lavfi", "-i",
                               "testsrc=s=80x64:r=16:d=2,format=gbrp", "-c:v", "ffv1", "-y", old_})
            .code,
        0);
  }

  TempDir dir_;
  std::string old_ = dir_ / "old.mkv";
};

TEST_P(Extend, OldFramesComeFirstAndNewOnesGoOn) {
  make_old();
  const Args more = {"--extend", old_, "--size", "80x64", "--fps", "16", "--seconds", "3"};
  Args planned = more;
  planned.push_back("--dry-run");
  const Result plan = make(dir_ / "x.mkv", planned);
  ASSERT_EQ(plan.code, 0) << plan.err;
  EXPECT_TRUE(has(plan.out, "extends    32 frames, which come first")) << plan.out;
  EXPECT_TRUE(has(plan.out, std::string("rollout    ") + GetParam().rollout)) << plan.out;

  const Result made = make(dir_ / "a.mkv", more);
  ASSERT_EQ(made.code, 0) << made.err;
  const auto old = frame_digests(old_), all = frame_digests(dir_ / "a.mkv");
  ASSERT_EQ(old.size(), 32u);
  ASSERT_EQ(all.size(), 32u + 48u);
  EXPECT_TRUE(std::equal(old.begin(), old.end(), all.begin())) << "old frames are kept as they are";
  EXPECT_NE(all[32], old.back()) << "the frame that it goes on from is not repeated";

  Args alone = more;
  alone.push_back("--only-new");
  ASSERT_EQ(make(dir_ / "b.mkv", alone).code, 0);
  const auto fresh = frame_digests(dir_ / "b.mkv");
  ASSERT_EQ(fresh.size(), 48u);
  EXPECT_TRUE(std::equal(fresh.begin(), fresh.end(), all.begin() + 32));

  // It matters what it goes on from.
  ASSERT_EQ(run_program("ffmpeg", {"-v", "error", "-i", old_, "-vf", "negate", "-c:v", "ffv1",
                                   dir_ / "other.mkv"})
                .code,
            0);
  Args other = alone;
  other[1] = dir_ / "other.mkv";
  ASSERT_EQ(make(dir_ / "c.mkv", other).code, 0);
  EXPECT_NE(frame_digests(dir_ / "c.mkv"), fresh);
}

const auto kOfOneRollout = testing::Values(Case{"tiny-genvid", "extend", "2"},
                                           Case{"tiny-skyreels-v2-df", "diffusion-forcing", "2"},
                                           Case{"../tests/data/tiny-wan21-causal", "causal", "4"});
const auto kChains = testing::Values(Case{"tiny-wan22-ti2v", "continue", "2"},
                                     Case{"tiny-wan21-i2v", "continue", "2"});
const auto kName = [](const auto& p) { return test_name({p.param.model}); };

INSTANTIATE_TEST_SUITE_P(Models, Extend, kOfOneRollout, kName);
INSTANTIATE_TEST_SUITE_P(Chains, Extend, kChains, kName);

// A chain keeps no latents.
class ExtendLatents : public Extend {};
INSTANTIATE_TEST_SUITE_P(Models, ExtendLatents, kOfOneRollout, kName);

// Latents of new frames hold what the decoder had seen of the old ones.
TEST_P(ExtendLatents, DecodeToTheNewFrames) {
  make_old();
  ASSERT_EQ(make(dir_ / "a.mkv", {"--extend", old_, "--size", "80x64", "--fps", "16", "--seconds",
                                  "1", "--only-new", "--save-latents", dir_ / "a.safetensors"})
                .code,
            0);
  const Result r = genvid({"decode", dir_ / "a.safetensors", "-o", dir_ / "b.mkv", "--model",
                           models(GetParam().model), "--size", "80x64", "--fps", "16", "--frames",
                           "16", "--no-watermark"});
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(frame_digests(dir_ / "a.mkv"), frame_digests(dir_ / "b.mkv"));
}

// The latent frames of a file but the first ones, without what it says of them.
void write_rest(const std::string& from, size_t first, const std::string& to) {
  const std::string bytes = read_bytes(from);
  uint64_t size = 0;
  std::memcpy(&size, bytes.data(), 8);
  auto header = nlohmann::json::parse(bytes.substr(8, size));
  header.erase("__metadata__");
  header.erase("shown_before");
  auto& entry = header.begin().value();
  const auto shape = entry.at("shape").get<std::vector<size_t>>();
  const size_t frame = 4 * shape[3] * shape[4], rest = shape[2] - first;
  std::string data;
  for (size_t c = 0; c < shape[1]; ++c) {
    data += bytes.substr(8 + size + (c * shape[2] + first) * frame, rest * frame);
  }
  entry["shape"][2] = rest;
  entry["data_offsets"] = {0, data.size()};
  std::string text = header.dump();
  size = text.size();
  std::ofstream out(to, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&size), 8);
  out << text << data;
}

// Given as noise, they are without the latent frames of the old video that stand before them.
TEST_P(ExtendLatents, FitAsTheNoiseOfAnother) {
  make_old();
  const Args extend = {"--extend", old_,        "--size", "80x64",     "--fps",
                       "16",       "--seconds", "1",      "--only-new"};
  const auto from = [&](const std::string& out, Args more) {
    more.insert(more.begin(), extend.begin(), extend.end());
    return make(dir_ / out, more);
  };
  const std::string saved = dir_ / "a.safetensors", rest = dir_ / "rest.safetensors";
  ASSERT_EQ(from("a.mkv", {"--save-latents", saved}).code, 0);
  const Result b = from("b.mkv", {"--init-latents", saved});
  ASSERT_EQ(b.code, 0) << b.err;
  const std::string bytes = read_bytes(saved);
  const size_t at = bytes.find("\"genvid_context\":\"");
  ASSERT_NE(at, std::string::npos);
  write_rest(saved, std::stoul(bytes.substr(at + 18)), rest);
  const Result c = from("c.mkv", {"--init-latents", rest});
  ASSERT_EQ(c.code, 0) << c.err;
  EXPECT_EQ(frame_digests(dir_ / "b.mkv"), frame_digests(dir_ / "c.mkv"));
  EXPECT_NE(frame_digests(dir_ / "b.mkv"), frame_digests(dir_ / "a.mkv"));
  const Result alone = make(dir_ / "d.mkv", {"--size", "80x64", "--fps", "16", "--seconds", "1",
                                             "--init-latents", saved});
  EXPECT_EQ(alone.code, 2);
  EXPECT_TRUE(has(alone.err, "of the video that it extends")) << alone.err;
}

class ExtendFile : public testing::Test {
 protected:
  Result make(const std::string& out, const std::string& from, Args more = {}) {
    Args args = {"a house",  "-o",       out,       "--model", models("tiny-genvid"),
                 "--extend", from,       "--steps", "1",       "--seed",
                 "3",        "--frames", "8"};
    args.insert(args.end(), more.begin(), more.end());
    return genvid(args);
  }
  void refused(const Result& r, const std::string& part) {
    EXPECT_EQ(r.code, 2) << r.err;
    EXPECT_TRUE(has(r.err, part)) << r.err;
    EXPECT_FALSE(std::filesystem::exists(dir_ / "x.mp4"));
  }
  std::string video(const std::string& name, Args options) {
    Args args = {"-v", "error", "-f", "lavfi", "-i", "testsrc=s=160x90:r=24:d=2"};
    args.insert(args.end(), options.begin(), options.end());
    args.push_back(dir_ / name);
    EXPECT_EQ(run_program("ffmpeg", args).code, 0);
    return dir_ / name;
  }

  TempDir dir_;
};

TEST_F(ExtendFile, IsRetimedToTheNewRateAndItsSoundIsNamed) {
  const std::string old = video("a.mp4", {"-f", "lavfi", "-i", "sine=d=2", "-shortest"});
  const Result r = make(dir_ / "b.mkv", old);  // 24 a second to 12
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_TRUE(has(r.err, "the sound of")) << r.err;
  EXPECT_TRUE(has(r.err, "left out, to play at 12")) << r.err;
  EXPECT_EQ(frame_digests(dir_ / "b.mkv").size(), 24u + 8u);
}

TEST_F(ExtendFile, TheRecordNamesItsDigestAndRerunWantsIt) {
  const std::string old = video("a.mkv", {"-c:v", "ffv1"});
  ASSERT_EQ(make(dir_ / "b.mkv", old, {"--embed-prompt", "--no-history"}).code, 0);
  const json record = info_of(dir_ / "b.mkv").at("settings");
  EXPECT_EQ(record.at("inputs").at("extend").get<std::string>().size(), 64u);
  EXPECT_EQ(record.at("past_frames"), 24);
  EXPECT_EQ(record.at("borders").at(0), 24);
  EXPECT_EQ(record.at("composite"), true) << "its frames are not all genvid's";
  const Result without = genvid({"rerun", dir_ / "b.mkv", "-o", dir_ / "c.mkv", "--no-history"});
  EXPECT_EQ(without.code, 2);
  EXPECT_TRUE(has(without.err, "--extend")) << without.err;
  const Result again = genvid({"rerun", dir_ / "b.mkv", "-o", dir_ / "c.mkv", "--extend", old,
                               "--no-history", "--embed-prompt"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(frame_digests(dir_ / "b.mkv"), frame_digests(dir_ / "c.mkv"));

  // A clip of genvid's own stays what a model made.
  ASSERT_EQ(make(dir_ / "d.mkv", dir_ / "b.mkv", {"--no-history"}).code, 0);
  EXPECT_FALSE(info_of(dir_ / "d.mkv").at("settings").contains("composite"));
}

TEST_F(ExtendFile, WhatIsNoVideoIsRefused) {
  const std::string out = dir_ / "x.mp4";
  refused(make(out, dir_ / "none.mp4"), "cannot open");
  refused(make(out, dir_.path().string()), "folder");
  refused(make(out, models("tiny-genvid") + "/model_index.json"), "not a picture or video");
  refused(make(out, video("a.png", {"-frames:v", "1"})), "--image");
  const std::string cut = video("cut.mp4", {"-movflags", "+faststart"});
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) * 2 / 3);
  refused(make(out, cut), "cut.mp4");
}

TEST_F(ExtendFile, WhatDoesNotGoTogetherIsRefused) {
  const std::string out = dir_ / "x.mp4", old = video("a.mkv", {"-c:v", "ffv1"});
  refused(make(out, old, {"--image", old}), "--image");
  refused(make(out, old, {"--rollout", "overlap"}), "leave --rollout out");
  refused(genvid({"a house", "-o", out, "--only-new", "--model", models("tiny-genvid")}),
          "--extend");
  refused(genvid({"a house", "-o", out, "--extend", old, "--model", models("tiny-wan21")}),
          "starts from text alone");
  refused(genvid({"a house", "-o", out, "--extend", old, "--model", models("tiny-wan21-flf2v")}),
          "between two pictures");
}

// A clip is planned from its inputs as they are, so one that another clip of the batch makes has to
// be there first.
TEST(ExtendInABatch, TheFileOfAnotherClipIsMadeFirst) {
  const TempDir dir;
  std::ofstream(dir / "jobs.json")
      << R"({"genvid": 1, "defaults": {"num_inference_steps": 1, "num_frames": 8, "seed": 1,
"model": ")"
      << models("tiny-genvid") << R"("}, "jobs": [
{"id": "b", "prompt": "a house", "extend": ")"
      << dir / "out/./a.mkv"
      << R"(", "output": "b.mkv", "after": ["a"]},
{"id": "a", "prompt": "a house", "output": "a.mkv"}]})";
  const auto batch = [&](Args more) {
    Args args = {"batch", dir / "jobs.json", "--out-dir", dir / "out"};
    args.insert(args.end(), more.begin(), more.end());
    return genvid(args);
  };
  const Result first = batch({});
  EXPECT_EQ(first.code, 2);
  EXPECT_TRUE(has(first.err, "\"a\" of this batch has yet to make")) << first.err;
  EXPECT_TRUE(has(first.err, "\"after\"")) << first.err;
  EXPECT_FALSE(std::filesystem::exists(dir / "out/a.mkv"));
  ASSERT_EQ(batch({"--only", "a"}).code, 0);
  const Result then = batch({});
  ASSERT_EQ(then.code, 0) << then.err;
  EXPECT_EQ(frame_digests(dir / "out/b.mkv").size(), 16u);
}

}  // namespace
}  // namespace genvid::e2e
