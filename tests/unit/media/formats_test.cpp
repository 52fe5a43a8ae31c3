// GIF, folders, scaling, frame rates, contact sheets and the settings of encoders.
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <numeric>

#include "media/frame_stage.h"
#include "media/output_plan.h"
#include "media/probe.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

OutputOptions to(const std::string& path) {
  OutputOptions options;
  options.path = path;
  return options;
}

Color moving(int x, int y, int n) {
  return {((x + 3 * n) % 128) / 127.0, ((y + n) % 96) / 95.0, 0.4};
}

// The delays in a GIF's graphic control extensions, in hundredths of a second.
std::vector<int> gif_delays(const std::string& bytes) {
  std::vector<int> delays;
  for (size_t at = 0; (at = bytes.find("\x21\xf9\x04", at)) != std::string::npos; ++at) {
    if (bytes[at + 7] != '\0') continue;  // by chance, in the middle of a picture
    delays.push_back(static_cast<uint8_t>(bytes[at + 4]) +
                     256 * static_cast<uint8_t>(bytes[at + 5]));
  }
  return delays;
}

TEST(Gif, TimingIsExactOnAverage) {
  TempDir dir;
  for (Rational fps : {Rational{24, 1}, {24000, 1001}, {16, 1}, {30, 1}, {7, 1}}) {
    OutputOptions options = to(dir / "a.gif");
    options.overwrite = true;
    options.output_fps = fps;
    const int frames = static_cast<int>(3 * fps.value());
    write_clip(options, make_spec(64, 48, frames, fps), moving);
    const std::vector<int> delays = gif_delays(read_bytes(options.path));
    ASSERT_EQ(delays.size(), static_cast<size_t>(frames));
    const int sum = std::accumulate(delays.begin(), delays.end(), 0);
    EXPECT_NEAR(sum, 100 * frames / fps.value(), 1.0) << fps.value();
    const auto [low, high] = std::minmax_element(delays.begin(), delays.end());
    EXPECT_LE(*high - *low, 1);
    EXPECT_EQ(ffmpeg_complaints(options.path), "");
  }
}

TEST(Gif, DefaultsAreSmall) {
  TempDir dir;
  write_clip(to(dir / "a.gif"), make_spec(960, 540, 12, {24, 1}), moving);
  const FileInfo info = probe(dir / "a.gif");
  EXPECT_EQ(info.width, 480);
  EXPECT_EQ(info.height, 270);
  EXPECT_EQ(info.frames, 6);
  EXPECT_NEAR(info.seconds, 0.5, 0.011);
  EXPECT_EQ(dir.names(), std::vector<std::string>{"a.gif"});
}

TEST(Gif, KeepsColours) {
  TempDir dir;
  write_clip(to(dir / "a.gif"), make_spec(256, 64, 3, {10, 1}),
             [](int x, int, int) { return bars(x, 256); });
  for (const Decoded& frame : decode(dir / "a.gif")) {
    for (int bar = 0; bar < 8; ++bar) {
      const int x = bar * 32 + 16;
      const Color want = bars(x, 256), got = frame.rgb_at(x, 32);
      for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(got[c], want[c] * 255, 0.6) << bar;
    }
  }
}

TEST(Gif, ManyColoursStayClose) {
  TempDir dir;
  write_clip(to(dir / "a.gif"), make_spec(256, 160, 4, {10, 1}), [](int x, int y, int) {
    return Color{x / 255.0, y / 159.0, 1 - x / 255.0};
  });
  const std::vector<Decoded> frames = decode(dir / "a.gif");
  ASSERT_EQ(frames.size(), 4u);
  double error = 0;  // of the mean of 8 x 8 pixels: dither averages out
  for (int y = 0; y < 160; y += 8) {
    for (int x = 0; x < 256; x += 8) {
      double sum = 0;
      for (int i = 0; i < 64; ++i) sum += frames[2].rgb_at(x + i % 8, y + i / 8)[0];
      error += std::abs(sum / 64 - (x + 3.5));
    }
  }
  EXPECT_LT(error / (20 * 32), 4.0);
}

TEST(Gif, FiftyFramesASecondAtMost) {
  TempDir dir;
  OutputOptions options = to(dir / "a.gif");
  options.output_fps = Rational{60, 1};
  const Error error = error_of([&] { check_output(options, {64, 64}, {60, 1}); });
  EXPECT_NE(std::string(error.what()).find("50"), std::string::npos);
}

TEST(OutputRate, FramesAreRepeatedOrLeftOut) {
  const auto counts = [](Rational from, Rational to, int64_t frames) {
    FrameSpec in{16, 16, from, frames, FrameLayout::kGbrpF32}, out = in;
    out.fps = to;
    out.frames =
        std::max<int64_t>(1, std::llround(static_cast<double>(frames) * to.value() / from.value()));
    std::vector<int64_t> repeats;
    for (int64_t n = 0; n < frames; ++n) repeats.push_back(repeats_of(n, in, out));
    EXPECT_EQ(std::accumulate(repeats.begin(), repeats.end(), int64_t{0}), out.frames);
    return repeats;
  };
  EXPECT_EQ(counts({12, 1}, {24, 1}, 3), (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(counts({24, 1}, {12, 1}, 4), (std::vector<int64_t>{1, 0, 1, 0}));
  EXPECT_EQ(counts({16, 1}, {24, 1}, 4), (std::vector<int64_t>{2, 1, 2, 1}));
  EXPECT_EQ(counts({24, 1}, {24, 1}, 3), (std::vector<int64_t>{1, 1, 1}));
  counts({30000, 1001}, {25, 1}, 301);
  counts({24, 1}, {1, 1}, 5);
  counts({16, 1}, {240, 1}, 81);
}

TEST(OutputRate, TheFileSaysSoAndKeepsItsLength) {
  TempDir dir;
  OutputOptions options = to(dir / "a.mp4");
  options.output_fps = Rational{30, 1};
  write_clip(options, make_spec(64, 48, 32, {16, 1}), moving);
  const FileInfo info = probe(options.path);
  EXPECT_EQ(info.fps, (Rational{30, 1}));
  EXPECT_EQ(info.frames, 60);
  EXPECT_NEAR(info.seconds, 2.0, 0.001);
}

TEST(OutputSize, ScalesWithoutShiftingOrRinging) {
  TempDir dir;
  for (Size size : {Size{128, 96}, {512, 320}, {96, 160}}) {
    OutputOptions options = to(dir / "a.mkv");
    options.overwrite = true;
    options.output_size = size;
    write_clip(options, make_spec(256, 160, 2), [](int x, int y, int) {
      return Color{(x + 0.5) / 256, (y + 0.5) / 160, 0.25};
    });
    const Decoded frame = decode(options.path)[1];
    ASSERT_EQ(frame.width, size.width);
    ASSERT_EQ(frame.height, size.height);
    // Away from the edges a ramp is the same ramp.
    for (int y = size.height / 8; y < size.height * 7 / 8; y += 5) {
      for (int x = size.width / 8; x < size.width * 7 / 8; x += 5) {
        const Color got = frame.rgb_at(x, y);
        EXPECT_NEAR(got[0], 255 * (x + 0.5) / size.width, 1.0);
        EXPECT_NEAR(got[1], 255 * (y + 0.5) / size.height, 1.0);
        EXPECT_NEAR(got[2], 63.75, 0.6);
      }
    }
  }
}

TEST(Folder, ComesAsAWhole) {
  TempDir dir;
  {
    auto sink = open_output(to(dir / "frames/"));
    sink->begin(make_spec(32, 32, 3));
    sink->write(make_frame(32, 32, 0, noise));
    EXPECT_FALSE(std::filesystem::exists(dir / "frames"));
  }
  EXPECT_TRUE(dir.names().empty());
  write_clip(to(dir / "frames/"), make_spec(32, 32, 3), noise);
  EXPECT_EQ(dir.names(), std::vector<std::string>{"frames"});
  EXPECT_EQ(decode(dir / "frames/frame_00003.png").size(), 1u);
  const Error again = error_of([&] { check_output(to(dir / "frames/"), {32, 32}, {24, 1}); });
  EXPECT_EQ(again.kind(), ErrorKind::kOutput);
  const Error nowhere = error_of([&] { check_output(to(dir / "no/frames/"), {32, 32}, {24, 1}); });
  EXPECT_EQ(nowhere.kind(), ErrorKind::kOutput);
  // An empty folder that is there already is used.
  std::filesystem::create_directory(dir / "here");
  write_clip(to(dir / "here/"), make_spec(32, 32, 2), noise);
  EXPECT_TRUE(std::filesystem::exists(dir / "here/frame_00002.png"));
}

TEST(Preview, IsASheetOfFrames) {
  TempDir dir;
  OutputOptions options = to(dir / "a.mp4");
  options.preview = dir / "sheet.png";
  // Frame n is grey n / 23.
  write_clip(options, make_spec(64, 32, 24), [](int, int, int n) {
    return Color{n / 23.0, n / 23.0, n / 23.0};
  });
  EXPECT_EQ(dir.names(), (std::vector<std::string>{"a.mp4", "sheet.png"}));
  const Decoded sheet = decode(options.preview)[0];
  EXPECT_EQ(sheet.width, 4 * 68 + 4);
  EXPECT_EQ(sheet.height, 3 * 36 + 4);
  EXPECT_NEAR(sheet.rgb_at(4 + 32, 4 + 16)[0], 0, 1);
  EXPECT_NEAR(sheet.rgb_at(3 * 68 + 4 + 32, 2 * 36 + 4 + 16)[0], 255, 1);
  EXPECT_NEAR(sheet.rgb_at(1 * 68 + 4 + 32, 1 * 36 + 4 + 16)[0], 255 * 10 / 23.0, 1);
}

TEST(Preview, RefusesWhatIsThereAndWhatIsNoPng) {
  TempDir dir;
  write_bytes(dir / "old.png", "old");
  for (const char* name : {"old.png", "sheet.jpg", "no/sheet.png"}) {
    OutputOptions options = to(dir / "a.mp4");
    options.preview = dir / name;
    error_of([&] { check_output(options, {64, 64}, {24, 1}); });
  }
  EXPECT_EQ(read_bytes(dir / "old.png"), "old");
  EXPECT_EQ(dir.names(), std::vector<std::string>{"old.png"});
}

TEST(EncoderSettings, ReachTheEncoder) {
  TempDir dir;
  const auto size_with = [&](const std::function<void(OutputOptions&)>& change) {
    OutputOptions options = to(dir / "a.mp4");
    options.overwrite = true;
    change(options);
    write_clip(options, make_spec(128, 96, 48), noise);
    return read_bytes(options.path).size();
  };
  const size_t slow = size_with([](OutputOptions& o) { o.bitrate = 200'000; });
  const size_t fast = size_with([](OutputOptions& o) { o.bitrate = 2'000'000; });
  EXPECT_GT(fast, 3 * slow);
  const size_t usual = size_with([](OutputOptions&) {});
  EXPECT_NE(size_with([](OutputOptions& o) { o.preset = "ultrafast"; }), usual);
  EXPECT_NE(size_with([](OutputOptions& o) { o.encoder_options["bf"] = "0"; }), usual);
}

TEST(EncoderSettings, SmallClipsHaveFewerWholePictures) {
  TempDir dir;
  const auto whole = [&](Size size, const std::function<void(OutputOptions&)>& change) {
    OutputOptions options = to(dir / "a.mp4");
    options.overwrite = true;
    options.preset = "ultrafast";
    change(options);
    write_clip(options, make_spec(size.width, size.height, 260), moving);
    const std::string flags =
        output_of("ffprobe -v error -select_streams v -show_entries packet=flags -of csv=p=0 " +
                  options.path);
    return std::count(flags.begin(), flags.end(), 'K');
  };
  const auto as_is = [](OutputOptions&) {};
  EXPECT_EQ(whole({256, 160}, as_is), 1);
  EXPECT_EQ(whole({1280, 720}, as_is), 2);
  EXPECT_EQ(whole({256, 160}, [](OutputOptions& o) { o.encoder_options["g"] = "100"; }), 3);
}

// What changes by half a level a frame must not be held still in a small clip.
TEST(EncoderSettings, SmallClipsAreFiner) {
  TempDir dir;
  const auto written = [&](Size size, std::optional<int> crf, const char* tune) {
    OutputOptions options = to(dir / "a.mp4");
    options.overwrite = true;
    options.crf = crf;
    if (tune != nullptr) options.encoder_options["tune"] = tune;
    write_clip(options, make_spec(size.width, size.height, 12), noise);
    return read_bytes(options.path);
  };
  const Size small{256, 160}, large{640, 360};
  EXPECT_TRUE(written(small, {}, nullptr) == written(small, 10, "film"));
  EXPECT_TRUE(written(large, {}, nullptr) == written(large, 18, nullptr));
  EXPECT_TRUE(written({448, 240}, {}, nullptr) == written({448, 240}, 14, "film"));
  EXPECT_TRUE(written(small, {}, "grain") == written(small, 10, "grain")) << "what is asked stays";
}

TEST(EncoderSettings, AreRefusedBeforeAnythingRuns) {
  TempDir dir;
  const auto refusal = [&](const std::string& name,
                           const std::function<void(OutputOptions&)>& change) {
    OutputOptions options = to(dir / name);
    change(options);
    const Error error = error_of([&] { check_output(options, {64, 64}, {24, 1}); });
    EXPECT_TRUE(error.kind() == ErrorKind::kUsage || error.kind() == ErrorKind::kUnavailable);
    return std::string(error.what());
  };
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(refusal("a.mp4", [](OutputOptions& o) { o.encoder_options["nonsense"] = "1"; }), "nonsense");
  has(refusal("a.mp4", [](OutputOptions& o) { o.preset = "warp"; }), "libx264");
  has(refusal("a.mkv", [](OutputOptions& o) { o.preset = "slow"; }), "--preset does not apply");
  has(refusal("a.mov", [](OutputOptions& o) { o.bitrate = 1'000'000; }),
      "--bitrate does not apply");
  has(refusal("a.mp4", [](OutputOptions& o) { o.crf = 18, o.bitrate = 1'000'000; }), "give one");
  has(refusal("a.mp4", [](OutputOptions& o) { o.bitrate = 10; }), "expected 1k");
  has(refusal("a.mp4",
              [](OutputOptions& o) { o.encoder_options["x264-params"] = "dump-yuv=/tmp/x"; }),
      "another file");
  has(refusal("a.mp4", [](OutputOptions& o) { o.encoder_options["stats"] = "x"; }), "another file");
  has(refusal("a.mp4", [](OutputOptions& o) { o.output_size = Size{65, 64}; }), "use 64x64");
  has(refusal("a.mp4", [](OutputOptions& o) { o.format = "mkv"; }), "standard output");
  has(refusal("a.mp4", [](OutputOptions& o) { o.codec = "gif"; }), "does not go into");
  has(refusal("a.gif", [](OutputOptions& o) { o.codec = "h264"; }), "does not go into");
  EXPECT_TRUE(dir.names().empty());
}

// What a reader has got when the writer is killed in the middle.
std::string killed_pipe(const std::string& format, int frames) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    OutputOptions options = to("-");
    options.format = format;
    auto sink = open_output(options);
    sink->begin(make_spec(128, 96, 240, {24, 1}));
    for (int n = 0; n < frames; ++n) sink->write(make_frame(128, 96, n, moving));
    usleep(500'000);  // the encoder's thread
    kill(getpid(), SIGKILL);
  }
  ::close(ends[1]);
  std::string bytes;
  char buffer[65536];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    bytes.append(buffer, static_cast<size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return bytes;
}

TEST(Pipe, AKilledWriterLeavesWhatItWrote) {
  TempDir dir;
  for (const std::string format : {"mp4", "mkv"}) {
    const std::string name = dir / ("cut." + format);
    write_bytes(name, killed_pipe(format, 120));
    // x264 holds back 10 frames and its threads 4; a fragment is half a second.
    EXPECT_GE(decode(name).size(), 84u) << format;
  }
}

TEST(Pipe, RawIsFramesAlone) {
  TempDir dir;
  const std::string bytes = killed_pipe("raw", 5);
  EXPECT_GE(bytes.size(), size_t{128} * 96 * 3);
  EXPECT_EQ(bytes.size() % (128 * 96 * 3), 0u);
  EXPECT_EQ(static_cast<uint8_t>(bytes[2]), 102);  // 0.4 of blue
}

}  // namespace
}  // namespace genvid::media
