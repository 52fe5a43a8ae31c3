// The model that comes with genvid: what a newcomer's first command gives, what it says of prompts
// that it does not know, and what its clips show as far as its weights have learnt it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

using Args = std::vector<std::string>;

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(DefaultModel, IsUsedWithoutBeingNamed) {
  const Result r = genvid({"establishing shot of a house", "-o", "out.mp4", "--dry-run"});
  ASSERT_EQ(r.code, 0) << r.err;
  for (const char* part :
       {"genvid-tiny", "256x160, 120 frames at 12 a second = 10.000 s", "extend", "euler-even"}) {
    EXPECT_TRUE(has(r.out, part)) << part << " not in:\n" << r.out;
  }
}

// One size: smaller ones are cropped from it, larger ones refused with what to do.
TEST(DefaultModel, MakesOneSizeAndCropsIt) {
  const Result crop = genvid({"a house", "--size", "240x134", "--dry-run"});
  ASSERT_EQ(crop.code, 0) << crop.err;
  EXPECT_TRUE(has(crop.out, "240x134")) << crop.out;
  EXPECT_TRUE(has(crop.out, "made as 256x160")) << crop.out;
  const Result large = genvid({"a house", "--size", "512x320", "--dry-run"});
  EXPECT_EQ(large.code, 2);
  EXPECT_TRUE(has(large.err, "makes 256x160")) << large.err;
}

Result quick(const std::string& prompt, const std::string& out, Args more = {}) {
  Args args = {prompt, "-o",     out, "--frames", "4",  "--steps",
               "1",    "--seed", "1", "--device", "cpu"};
  args.insert(args.end(), more.begin(), more.end());
  return genvid(args);
}

TEST(DefaultModel, SaysWhatItDoesNotKnow) {
  const TempDir dir;
  const Result known = quick("Establishing shot of a house at night, cinematic", dir / "a.mp4");
  ASSERT_EQ(known.code, 0) << known.err;
  EXPECT_FALSE(has(known.err, "warning")) << known.err;

  const Result part = quick("a house and a dragon", dir / "b.mp4");
  EXPECT_EQ(part.code, 0) << part.err;
  EXPECT_TRUE(has(part.err, "was never taught: dragon")) << part.err;

  const Result nothing = quick("a teapot plays the violin", dir / "c.mp4");
  EXPECT_EQ(nothing.code, 0) << nothing.err;
  for (const char* words : {"names nothing that genvid-tiny knows", "castle", "--model", "wan"}) {
    EXPECT_TRUE(has(nothing.err, words)) << words << " not in: " << nothing.err;
  }
  EXPECT_EQ(std::count(nothing.err.begin(), nothing.err.end(), '\n'), 1) << nothing.err;
  EXPECT_TRUE(has(genvid({"info", dir / "c.mp4", "--json"}).out, "\"prompt_known\": false"));
  EXPECT_FALSE(has(genvid({"info", dir / "a.mp4", "--json"}).out, "prompt_known"));
}

std::string picture(const std::string& path, const std::string& colour) {
  run_program("ffmpeg", {"-v", "error", "-f", "lavfi", "-i", "color=c=" + colour + ":s=256x160",
                         "-frames:v", "1", path});
  return path;
}

// The clip leads to the picture, which is its last latent frame.
TEST(DefaultModel, EndsOnAPicture) {
  const TempDir dir;
  const std::string first = picture(dir / "first.png", "0x208040");
  const std::string last = picture(dir / "last.png", "0x3060c0");
  for (const Args& start : {Args{}, Args{"--image", first}}) {
    Args args = {"a house", "-o", dir / "a.mkv", "--frames",     "28",
                 "--steps", "2",  "--overwrite", "--last-image", last};
    args.insert(args.end(), start.begin(), start.end());
    const Result r = genvid(args);
    ASSERT_EQ(r.code, 0) << r.err;
    const std::string raw = run_program("ffmpeg", {"-v", "error", "-i", dir / "a.mkv", "-f",
                                                   "rawvideo", "-pix_fmt", "rgb24", "-"})
                                .out;
    const size_t frame = 256 * 160 * 3;
    ASSERT_EQ(raw.size(), 28 * frame);
    const auto mean = [&](size_t index, size_t channel) {
      double sum = 0;
      for (size_t i = channel; i < frame; i += 3) {
        sum += static_cast<uint8_t>(raw[index * frame + i]);
      }
      return sum * 3 / static_cast<double>(frame);
    };
    const double colour[] = {0x30, 0x60, 0xc0};
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(mean(27, c), colour[c], 12) << c;
    if (start.empty()) continue;
    const double green[] = {0x20, 0x80, 0x40};
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(mean(0, c), green[c], 12) << c;
  }
}

TEST(DefaultModel, IsNotLedToAPictureInOneWindow) {
  const TempDir dir;
  const Result r = genvid({"a house", "-o", dir / "a.mp4", "--frames", "8", "--rollout", "window",
                           "--last-image", picture(dir / "a.png", "blue")});
  EXPECT_EQ(r.code, 2);
  EXPECT_TRUE(has(r.err, "led to --last-image window after window")) << r.err;
}

// Its drawn start is then what leads there, in one window with the picture.
TEST(DefaultModel, EvenTheShortestClipEndsOnAPicture) {
  const TempDir dir;
  const Result r = genvid({"a house", "-o", dir / "a.mkv", "--frames", "8", "--steps", "2",
                           "--last-image", picture(dir / "a.png", "blue")});
  EXPECT_EQ(r.code, 0) << r.err;
}

TEST(DefaultModel, TellsProgramsWhatThePromptNames) {
  const TempDir dir;
  const Result r =
      quick("a red barn in falling snow at night", dir / "a.mp4", {"--progress", "json"});
  ASSERT_EQ(r.code, 0) << r.err;
  for (size_t at = 0; at < r.err.size();) {
    const size_t end = r.err.find('\n', at);
    const auto line = nlohmann::json::parse(r.err.substr(at, end - at));
    at = end + 1;
    if (line.at("event") != "prompt") continue;
    EXPECT_TRUE(line.at("known").get<bool>());
    EXPECT_EQ(line.at("named").at("subject"), "barn") << line;
    EXPECT_EQ(line.at("named").at("time"), "night") << line;
    EXPECT_EQ(line.at("named").at("colour"), "red") << line;
    return;
  }
  FAIL() << "no event of the prompt in:\n" << r.err;
}

// Grey frames of a clip.
struct Clip {
  static constexpr int kWidth = 256, kHeight = 160;
  std::string bytes;
  size_t frames() const { return bytes.size() / (kWidth * kHeight); }
  const uint8_t* frame(size_t i) const {
    return reinterpret_cast<const uint8_t*>(bytes.data()) + i * kWidth * kHeight;
  }
  double mean(size_t i) const {
    double sum = 0;
    for (int p = 0; p < kWidth * kHeight; ++p) sum += frame(i)[p];
    return sum / (kWidth * kHeight);
  }
  double luma() const {
    double sum = 0;
    for (size_t i = 0; i < frames(); ++i) sum += mean(i);
    return sum / static_cast<double>(frames());
  }
  double change(size_t a, size_t b) const {
    double sum = 0;
    for (int p = 0; p < kWidth * kHeight; ++p) sum += std::abs(frame(a)[p] - frame(b)[p]);
    return sum / (kWidth * kHeight);
  }
};

// How far neighbouring pixels of the first frame differ across borders of the model's tiles, over
// how far inside of them. Of painted pictures 1.2.
double tile_borders(const Clip& clip) {
  double across[2] = {}, count[2] = {};
  for (int y = 0; y + 1 < Clip::kHeight; ++y) {
    for (int x = 0; x + 1 < Clip::kWidth; ++x) {
      const uint8_t* p = clip.frame(0) + y * Clip::kWidth + x;
      for (const auto& [at, next] : {std::pair(x, p[1]), std::pair(y, p[Clip::kWidth])}) {
        across[at % 16 == 15] += std::abs(*p - next);
        count[at % 16 == 15] += 1;
      }
    }
  }
  return across[1] / count[1] / (across[0] / count[0]);
}

// What happens to a point of the picture, seen from the middle.
struct Move {
  const char* name;
  double dx, dy, growth;
};

// Mean difference of frame b and frame a so moved, where both have a picture.
double misfit(const Clip& clip, size_t a, size_t b, const Move& m) {
  constexpr int kBorder = 24;
  double sum = 0;
  for (int y = kBorder; y < Clip::kHeight - kBorder; ++y) {
    for (int x = kBorder; x < Clip::kWidth - kBorder; ++x) {
      const double u = (x - Clip::kWidth / 2 - m.dx) / (1 + m.growth) + Clip::kWidth / 2;
      const double v = (y - Clip::kHeight * 0.7 - m.dy) / (1 + m.growth) + Clip::kHeight * 0.7;
      const auto at = static_cast<size_t>(std::lround(v) * Clip::kWidth + std::lround(u));
      sum += std::abs(clip.frame(b)[y * Clip::kWidth + x] - clip.frame(a)[at]);
    }
  }
  return sum;
}

// The move of two seconds that explains most of the clip.
std::string camera(const Clip& clip) {
  std::vector<Move> moves = {{"static", 0, 0, 0}};
  for (int i = 2; i <= 20; i += 2) {
    moves.push_back({"pan left", 1.0 * i, 0, 0});
    moves.push_back({"pan right", -1.0 * i, 0, 0});
    moves.push_back({"tilt up", 0, 0.5 * i, 0});
    moves.push_back({"tilt down", 0, -0.5 * i, 0});
    moves.push_back({"zoom in", 0, 0, 0.005 * i});
    moves.push_back({"zoom out", 0, 0, -0.005 * i});
  }
  std::vector<double> sums;
  for (const Move& m : moves) {
    double sum = 0;
    for (size_t at = 12; at + 24 < clip.frames(); at += 16) sum += misfit(clip, at, at + 24, m);
    sums.push_back(sum);
  }
  const auto best = std::min_element(sums.begin(), sums.end());
  return moves[static_cast<size_t>(best - sums.begin())].name;
}

// Few steps: enough to see what a clip is of, and quick on one core.
Clip make(const std::string& prompt, const std::string& file) {
  const Result r = genvid({prompt, "-o", file, "--steps", "4", "--seed", "3", "--device", "cpu"});
  EXPECT_EQ(r.code, 0) << r.err;
  return {
      run_program("ffmpeg", {"-v", "error", "-i", file, "-f", "rawvideo", "-pix_fmt", "gray", "-"})
          .out};
}

TEST(DefaultModel, TenSecondClipsShowTheirHourAndCamera) {
  const TempDir dir;
  const Clip day = make("a white house in a green meadow on a sunny day, pan left", dir / "a.mp4");
  const Clip night = make("a castle at night under the stars, zoom in", dir / "b.mp4");
  const Clip snow = make("a cabin in the snow in the morning, pan right", dir / "c.mp4");
  for (const Clip* clip : {&day, &night, &snow}) {
    ASSERT_EQ(clip->frames(), 120u);
    EXPECT_GT(clip->luma(), 8) << "black";
    EXPECT_LT(clip->luma(), 247) << "white";
    for (size_t second = 0; second + 12 < 120; second += 12) {
      EXPECT_GT(clip->change(second, second + 12), 0.05) << "frozen at frame " << second;
    }
  }
  // Without tiles drawn again in between: 2.4.
  EXPECT_LT((tile_borders(day) + tile_borders(night) + tile_borders(snow)) / 3, 1.8);
  EXPECT_LT(night.luma() + 20, day.luma());
  EXPECT_LT(night.luma() + 20, snow.luma());
  EXPECT_EQ(camera(day), "pan left");
  EXPECT_EQ(camera(night), "zoom in");
  EXPECT_EQ(camera(snow), "pan right");
}

}  // namespace
}  // namespace genvid::e2e
