// Every suffix and codec: what the file says of itself, and whether the pictures survive.
#include "media/video_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "media/output_plan.h"
#include "media/probe.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

struct Case {
  std::string suffix, codec, pix_fmt;               // what is asked
  std::string format, stream, profile, stored_fmt;  // what the file says
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.suffix << " " << c.codec; }

class FileTest : public testing::TestWithParam<Case> {};

TEST_P(FileTest, SaysWhatItIsAndKeepsColours) {
  const Case& c = GetParam();
  auto usable = usable_codecs();
  if (!c.codec.empty() && std::find(usable.begin(), usable.end(), c.codec) == usable.end()) {
    GTEST_SKIP() << "this FFmpeg has no encoder for " << c.codec;
  }
  TempDir dir;
  OutputOptions options;
  options.path = dir / ("clip" + c.suffix);
  options.codec = c.codec;
  options.pix_fmt = c.pix_fmt;
  options.metadata = {{"comment", R"({"seed":7})"}, {"title", "a clip"}};
  constexpr int kWidth = 256, kHeight = 96, kFrames = 33;
  write_clip(options, make_spec(kWidth, kHeight, kFrames, {24, 1}),
             [](int x, int, int) { return bars(x, kWidth); });

  EXPECT_EQ(dir.names(), std::vector<std::string>{"clip" + c.suffix});
  FileInfo info = probe(options.path);
  EXPECT_NE(info.format.find(c.format), std::string::npos) << info.format;
  EXPECT_EQ(info.codec, c.stream);
  if (!c.profile.empty()) {
    EXPECT_EQ(info.profile, c.profile);
  }
  EXPECT_EQ(info.pix_fmt, c.stored_fmt);
  EXPECT_EQ(info.width, kWidth);
  EXPECT_EQ(info.height, kHeight);
  EXPECT_EQ(info.fps, (Rational{24, 1}));
  EXPECT_EQ(info.frames, kFrames);
  EXPECT_NEAR(info.seconds, kFrames / 24.0, 0.001);
  bool rgb = is_rgb(av_get_pix_fmt(c.stored_fmt.c_str()));
  if (c.codec != "y4m" && c.suffix != ".y4m") {  // which can only say its range
    EXPECT_EQ(info.color_primaries, "bt709");
    EXPECT_EQ(info.color_transfer, "bt709");
    EXPECT_EQ(info.color_space, rgb ? "gbr" : "bt709");
    // Matroska keys are upper case or lower case by FFmpeg's version; FFmpeg reads both.
    std::string comment;
    for (const auto& [key, value] : info.tags) {
      std::string low = key;
      for (char& ch : low) ch = static_cast<char>(std::tolower(static_cast<unsigned char>(ch)));
      if (low == "comment") comment = value;
    }
    EXPECT_EQ(comment, R"({"seed":7})");
  }
  EXPECT_EQ(info.color_range, rgb ? "pc" : "tv");

  EXPECT_EQ(ffmpeg_complaints(options.path), "");
  std::vector<Decoded> frames = decode(options.path);
  ASSERT_EQ(frames.size(), static_cast<size_t>(kFrames));
  // 8-bit limited range is a grid of its own: rounding to it alone is up to 1.5 levels.
  const bool whole = frames[0].chroma_shift[0] == 0, deep = frames[0].depth > 8;
  // One level, or two where chroma is halved; once rounded to levels, where there are more.
  const double tolerance = rgb ? 0.01 : !deep ? 2.0 : whole ? 1.49 : 2.49;
  for (size_t n : {size_t{0}, frames.size() / 2, frames.size() - 1}) {
    for (int bar = 0; bar < 8; ++bar) {
      int x = bar * kWidth / 8 + kWidth / 16;
      Color want = bars(x, kWidth), got = frames[n].rgb_at(x, kHeight / 2);
      for (size_t ch = 0; ch < 3; ++ch) {
        EXPECT_NEAR(got[ch], want[ch] * 255, tolerance)
            << "frame " << n << " bar " << bar << " channel " << ch;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Files, FileTest,
    testing::Values(Case{".mp4", "", "", "mp4", "h264", "High", "yuv420p"},
                    Case{".m4v", "", "", "mp4", "h264", "High", "yuv420p"},
                    Case{".MP4", "", "", "mp4", "h264", "High", "yuv420p"},
                    Case{".mp4", "h264", "yuv420p10le", "mp4", "h264", "High 10", "yuv420p10le"},
                    Case{".mp4", "h264", "yuv444p", "mp4", "h264", "High 4:4:4 Predictive",
                         "yuv444p"},
                    Case{".mp4", "h265", "", "mp4", "hevc", "Main 10", "yuv420p10le"},
                    Case{".mp4", "av1", "", "mp4", "av1", "Main", "yuv420p10le"},
                    Case{".mp4", "vp9", "", "mp4", "vp9", "Profile 0", "yuv420p"},
                    Case{".mov", "", "", "mov", "prores", "HQ", "yuv422p10le"},
                    Case{".mov", "prores", "yuv444p10le", "mov", "prores", "4444", "yuv444p12le"},
                    Case{".mov", "h264", "", "mov", "h264", "High", "yuv420p"},
                    Case{".mov", "h265", "", "mov", "hevc", "Main 10", "yuv420p10le"},
                    Case{".webm", "", "", "webm", "vp9", "Profile 0", "yuv420p"},
                    Case{".webm", "av1", "", "webm", "av1", "Main", "yuv420p10le"},
                    Case{".mkv", "", "", "matroska", "ffv1", "", "bgr0"},
                    Case{".mkv", "ffv1", "yuv444p", "matroska", "ffv1", "", "yuv444p"},
                    Case{".mkv", "ffv1", "gbrp16le", "matroska", "ffv1", "", "gbrp16le"},
                    Case{".mkv", "h264", "", "matroska", "h264", "High", "yuv420p"},
                    Case{".mkv", "prores", "", "matroska", "prores", "", "yuv422p10le"},
                    Case{".y4m", "", "", "yuv4mpegpipe", "rawvideo", "", "yuv420p"},
                    Case{".y4m", "", "yuv420p10", "yuv4mpegpipe", "rawvideo", "", "yuv420p10le"}));

TEST(VideoWriter, KeepsFractionalRates) {
  TempDir dir;
  for (std::string suffix : {".mp4", ".mov", ".mkv"}) {
    OutputOptions options;
    options.path = dir / ("ntsc" + suffix);
    write_clip(options, make_spec(64, 64, 48, {24000, 1001}), [](int x, int, int n) {
      return Color{x / 64.0, n / 48.0, 0.5};
    });
    FileInfo info = probe(options.path);
    EXPECT_EQ(info.fps, (Rational{24000, 1001})) << suffix;
    EXPECT_EQ(info.frames, 48);
    EXPECT_NEAR(info.seconds, 48 * 1001.0 / 24000, 0.001);
  }
}

TEST(VideoWriter, OneFrameIsAClip) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "one.mp4";
  write_clip(options, make_spec(64, 64, 1, {16, 1}), noise);
  EXPECT_EQ(probe(options.path).frames, 1);
}

TEST(VideoWriter, Mp4CanPlayWhileItLoads) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "a.mp4";
  write_clip(options, make_spec(64, 64, 24), noise);
  std::string bytes = read_bytes(options.path);
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
}

TEST(VideoWriter, H265IsTaggedForApple) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "a.mp4";
  options.codec = "h265";
  auto usable = usable_codecs();
  if (std::find(usable.begin(), usable.end(), "h265") == usable.end()) {
    GTEST_SKIP() << "this FFmpeg has no h265 encoder";
  }
  write_clip(options, make_spec(64, 64, 3), noise);
  std::string bytes = read_bytes(options.path);
  EXPECT_NE(bytes.find("hvc1"), std::string::npos);
  EXPECT_EQ(bytes.find("hev1"), std::string::npos);
}

TEST(VideoWriter, TenBitGradientStaysSmooth) {
  TempDir dir;
  constexpr int kWidth = 640;
  for (std::string name : {"a.mov", "a.mp4"}) {
    OutputOptions options;
    options.path = dir / name;
    if (name == "a.mp4") options.pix_fmt = "yuv420p10le";
    write_clip(options, make_spec(kWidth, 64, 5), [](int x, int, int) {
      double v = 0.2 + 0.1 * x / kWidth;
      return Color{v, v, v};
    });
    Decoded frame = decode(options.path).back();
    std::set<int> levels;
    for (int x = 0; x < kWidth; ++x) levels.insert(frame.luma(x, 32));
    EXPECT_GE(levels.size(), 80u) << name;
  }
}

TEST(VideoWriter, Ffv1IsLossless) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "a.mkv";
  write_clip(options, make_spec(67, 45, 4), noise);  // odd sizes are no problem in RGB
  std::vector<Decoded> frames = decode(options.path);
  ASSERT_EQ(frames.size(), 4u);
  for (int n = 0; n < 4; ++n) {
    for (int y = 0; y < 45; ++y) {
      for (int x = 0; x < 67; ++x) {
        auto want = noise_bytes(x, y, n);
        Color got = frames[static_cast<size_t>(n)].rgb_at(x, y);
        for (size_t c = 0; c < 3; ++c) ASSERT_EQ(got[c], want[c]) << x << "," << y;
      }
    }
  }
}

TEST(VideoWriter, RgbRoundsHalfToEvenAndClamps) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "a.mkv";
  const double kValues[8] = {0.5 / 255, 1.5 / 255, 2.5 / 255, -3.0, 7.0, 1.0, 0.49, NAN};
  write_clip(options, make_spec(64, 64, 1), [&](int x, int, int) {
    double v = kValues[x / 8];
    return Color{v, v, v};
  });
  Decoded frame = decode(options.path).front();
  const int kWant[8] = {0, 2, 2, 0, 255, 255, 125, 0};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(frame.planes[0][static_cast<size_t>(i * 8)], kWant[i]) << i;
}

TEST(VideoWriter, StridesMayExceedTheWidth) {
  // A crop is only a pointer: the same picture out of a larger one.
  TempDir dir;
  OutputOptions whole, crop;
  whole.path = dir / "whole.mkv";
  crop.path = dir / "crop.mkv";
  write_clip(whole, make_spec(48, 32, 2),
             [](int x, int y, int n) { return noise(x + 9, y + 5, n); });
  auto sink = open_output(crop);
  sink->begin(make_spec(48, 32, 2));
  for (int n = 0; n < 2; ++n) {
    FrameView view = make_frame(70, 50, n, noise);
    for (const void*& plane : view.plane) {
      plane = static_cast<const uint8_t*>(plane) + 5 * view.stride[0] + 9 * sizeof(float);
    }
    sink->write(view);
  }
  sink->finish();
  EXPECT_EQ(read_bytes(whole.path), read_bytes(crop.path));
}

TEST(VideoWriter, SameInputSameBytes) {
  TempDir dir;
  struct Kind {
    const char *name, *codec;
  };
  auto usable = usable_codecs();
  for (Kind kind : {Kind{"a.mp4", "h264"},
                    {"b.mp4", "h265"},
                    {"c.mp4", "av1"},
                    {"d.webm", "vp9"},
                    {"e.mov", "prores"},
                    {"f.mkv", "ffv1"},
                    {"g.y4m", "y4m"}}) {
    if (std::find(usable.begin(), usable.end(), kind.codec) == usable.end()) continue;
    OutputOptions options;
    options.codec = kind.codec;
    std::string first;
    for (int run = 0; run < 2; ++run) {
      options.path = dir / (std::to_string(run) + kind.name);
      write_clip(options, make_spec(320, 192, 14), [](int x, int y, int n) {
        return Color{0.5 + 0.5 * std::sin(x * 0.05 + n * 0.3), (y + n) % 192 / 192.0,
                     noise(x, y, n)[0]};
      });
      std::string bytes = read_bytes(options.path);
      if (run == 0) first = bytes;
      EXPECT_EQ(bytes == first, true) << kind.name << ": " << first.size() << " bytes";
    }
  }
}

TEST(VideoWriter, NamesWithColonAndPercent) {
  TempDir dir;
  for (std::string name : {"sc:1.mp4", "100%.mp4", "a%05d.mp4", "-x.mp4", "sp ace'\".mkv"}) {
    OutputOptions options;
    options.path = dir / name;
    write_clip(options, make_spec(64, 64, 2), noise);
    EXPECT_EQ(probe(options.path).frames, 2) << name;
  }
  EXPECT_EQ(dir.names().size(), 5u);
}

TEST(VideoWriter, CrfChangesTheSize) {
  TempDir dir;
  OutputOptions fine, coarse;
  fine.path = dir / "fine.mp4";
  coarse.path = dir / "coarse.mp4";
  fine.crf = 10;
  coarse.crf = 40;
  for (const auto& options : {fine, coarse}) write_clip(options, make_spec(128, 128, 8), noise);
  EXPECT_GT(read_bytes(fine.path).size(), 2 * read_bytes(coarse.path).size());
}

}  // namespace
}  // namespace genvid::media
