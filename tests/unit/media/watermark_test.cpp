// The invisible mark: its code, that it stays invisible, and that it comes through encoders. The
// measurement on many clips is tests/bench/watermark_bench.
#include "media/watermark.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "media/watermark_code.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

constexpr WatermarkPayload kPayload{WatermarkPayload::kGenvidSystem, 0x0123456789ab};

// A slow pan over smooth ground with a little texture on it.
Color pan(int x, int y, int n) {
  const double at = x + 0.8 * n;
  const double wave = 0.5 + 0.25 * std::sin(at * 0.021) * std::cos(y * 0.03);
  const double fine = 0.02 * std::sin(at * 0.9 + y * 0.7) * (y > 100 ? 1 : 0);
  return {wave + fine, 0.9 * wave + fine + 0.05, 0.4 + 0.3 * y / 160 + fine};
}

// Moving texture.
Color busy(int x, int y, int n) {
  const double v = 0.5 + 0.2 * std::sin(0.9 * x + 0.31 * n) * std::sin(0.7 * y) +
                   0.15 * std::sin(0.23 * x - 0.4 * y + 0.2 * n);
  return {v, 0.8 * v + 0.1, 0.6};
}

std::string clip(const TempDir& dir, const std::string& name, const Painter& paint, int crf,
                 bool marked, int frames = 120, const std::string& key = "") {
  OutputOptions options;
  options.path = dir / name;
  options.overwrite = true;
  if (crf > 0) options.crf = crf;
  if (marked) options.watermark = Watermark{kPayload, key};
  write_clip(options, make_spec(256, 160, frames, {12, 1}), paint);
  return options.path;
}

TEST(WatermarkCode, CarriesThePayload) {
  std::mt19937 random(1);
  std::normal_distribution<float> noise_of(0, 1);
  int wrong = 0, silent = 0;
  for (int trial = 0; trial < 300; ++trial) {
    const WatermarkPayload payload{static_cast<uint16_t>(random()),
                                   (uint64_t{random()} << 16 | random() >> 16) & 0xffffffffffff};
    const auto coded = encode_payload(payload);
    std::array<float, kCodedBits> soft{};
    for (size_t i = 0; i < coded.size(); ++i)
      soft[i] = (coded[i] ? 1.0f : -1.0f) + 0.9f * noise_of(random);
    const auto got = decode_payload(soft);  // 13% of the bits are wrong
    if (!got) ++silent;
    if (got && !(*got == payload)) ++wrong;
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(silent, 3);
}

TEST(WatermarkCode, NoiseIsNoPayload) {
  std::mt19937 random(2);
  std::normal_distribution<float> noise_of(0, 1);
  int decoded = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    std::array<float, kCodedBits> soft{};
    for (float& s : soft) s = noise_of(random);
    decoded += decode_payload(soft).has_value() ? 1 : 0;
  }
  EXPECT_LE(decoded, 2);  // 2^-16 each
}

TEST(Watermark, IsFoundAfterX264) {
  TempDir dir;
  for (const Painter& paint : {Painter(pan), Painter(busy)}) {
    const WatermarkReading r = detect_watermark(clip(dir, "a.mp4", paint, 23, true));
    EXPECT_TRUE(r.found);
    EXPECT_LT(r.log10_p, -9);
    ASSERT_TRUE(r.crc_ok);
    EXPECT_EQ(r.payload, kPayload);
    EXPECT_EQ(r.size, (Size{256, 160}));
  }
  EXPECT_TRUE(detect_watermark(clip(dir, "a.mp4", pan, 28, true)).found);
}

TEST(Watermark, IsFoundInWhatIsLeft) {
  TempDir dir;
  const std::string whole = clip(dir, "a.mp4", pan, 18, true), part = dir / "b.mp4";
  const std::string coder = " -c:v libx264 -crf 23 -threads 1 -pix_fmt yuv420p " + part;
  const struct {
    const char* name;
    const char* filter;
  } kCases[] = {{"half size and back", "-vf scale=128:80,scale=256:160"},
                {"twice the size", "-vf scale=512:320"},
                {"without its beginning", "-vf trim=start_frame=37,setpts=PTS-STARTPTS"}};
  for (const auto& c : kCases) {
    ASSERT_EQ(output_of("ffmpeg -nostdin -v error -y -i " + whole + " " + c.filter + coder), "");
    const WatermarkReading r = detect_watermark(part);
    EXPECT_TRUE(r.found) << c.name << " 1e" << r.log10_p;
    EXPECT_TRUE(r.crc_ok) << c.name;
    EXPECT_EQ(r.payload.clip_id, kPayload.clip_id) << c.name;
  }
}

TEST(Watermark, EveryKindOfFileHoldsIt) {
  TempDir dir;
  for (const char* name : {"a.mov", "a.webm", "a.gif", "a.mkv", "a.y4m"}) {
    const WatermarkReading r = detect_watermark(clip(dir, name, busy, 0, true, 48));
    EXPECT_TRUE(r.found) << name;
    EXPECT_TRUE(r.crc_ok) << name;
  }
}

TEST(Watermark, IsNotSeenWhereItIsNot) {
  TempDir dir;
  EXPECT_FALSE(detect_watermark(clip(dir, "a.mp4", pan, 23, false)).found);
  EXPECT_FALSE(detect_watermark(clip(dir, "b.mp4", busy, 23, false)).found);
  const std::string mine = clip(dir, "c.mp4", pan, 23, true, 60, "my own key");
  EXPECT_FALSE(detect_watermark(mine).found) << "another key's mark";
  EXPECT_TRUE(detect_watermark(mine, "my own key").found);
  EXPECT_THROW(detect_watermark(dir / "none.mp4"), Error);
}

TEST(Watermark, CannotBeSeen) {
  TempDir dir;
  for (const Painter& paint : {Painter(pan), Painter(busy), Painter(noise)}) {
    const auto plain = decode(clip(dir, "a.mkv", paint, 0, false, 24));
    const auto marked = decode(clip(dir, "b.mkv", paint, 0, true, 24));
    double squares = 0, count = 0;
    for (size_t n = 0; n < plain.size(); ++n) {
      for (size_t p = 0; p < 3; ++p) {
        for (size_t i = 0; i < plain[n].planes[p].size(); ++i, ++count) {
          const double d = plain[n].planes[p][i] - marked[n].planes[p][i];
          squares += d * d;
        }
      }
    }
    EXPECT_GE(10 * std::log10(255 * 255 * count / squares), 45.0);
    EXPECT_GT(squares, 0);
  }
}

TEST(Watermark, FitsIntoSomeSeconds) {
  EXPECT_TRUE(watermark_fits({256, 160}, 48));
  EXPECT_TRUE(watermark_fits({832, 480}, 16));
  EXPECT_FALSE(watermark_fits({48, 32}, 120));
  EXPECT_FALSE(watermark_fits({832, 480}, 1));
}

FrameSpec spec_of(Size size, int64_t frames, bool loops = false) {
  FrameSpec spec;
  spec.width = size.width;
  spec.height = size.height;
  spec.frames = frames;
  spec.loops = loops;
  return spec;
}

// At each step of a clip a sixth of the blocks change, from the last frame to the first all do,
// unless it loops.
TEST(Watermark, ALoopsEndFlowsIntoItsStart) {
  constexpr Size kSize{256, 160};
  constexpr size_t kArea = size_t{256} * 160;
  constexpr int64_t kFrames = 75;
  for (const bool loops : {false, true}) {
    WatermarkEmbedder embedder({kPayload, ""}, spec_of(kSize, kFrames, loops));
    std::vector<std::vector<float>> shown;
    for (int64_t n = 0; n < kFrames; ++n) {
      std::vector<float> planes(3 * kArea, 0.5f);
      embedder.embed(planes.data(), planes.data() + kArea, planes.data() + 2 * kArea);
      planes.resize(kArea);
      shown.push_back(std::move(planes));
    }
    std::vector<double> steps;
    for (size_t n = 0; n < shown.size(); ++n) {
      const std::vector<float>& next = shown[(n + 1) % shown.size()];
      double sum = 0;
      for (size_t i = 0; i < kArea; ++i) sum += std::abs(next[i] - shown[n][i]);
      steps.push_back(sum);
    }
    const double last = steps.back();
    steps.pop_back();
    const double most = *std::max_element(steps.begin(), steps.end());
    EXPECT_EQ(last < 1.2 * most, loops) << last << " " << most;
    EXPECT_LT(most, 1.5 * steps.front());
  }
}

TEST(Watermark, SmallAndShortClipsDoNotBreakIt) {
  for (Size size : {Size{16, 16}, {7, 9}, {48, 32}, {66, 35}}) {
    const auto area = static_cast<size_t>(size.width * size.height);
    std::vector<float> planes(3 * area, 0.5f);
    WatermarkEmbedder embedder({kPayload, ""}, spec_of(size, 1));
    embedder.embed(planes.data(), planes.data() + area, planes.data() + 2 * area);
    WatermarkDetector detector(size);
    std::vector<float> luma(area, 126.0f);
    detector.add(luma.data());
    const WatermarkReading r = detector.result();
    EXPECT_FALSE(r.found);
    EXPECT_FALSE(r.crc_ok);
  }
}

}  // namespace
}  // namespace genvid::media
