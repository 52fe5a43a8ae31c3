// Sequences of PNG files, and streams on standard output.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "media/image_reader.h"
#include "media/probe.h"
#include "media/video_writer.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

TEST(ImageSequence, IsExactAndNumberedFromOne) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "sub:100%%_%05d.png";
  options.metadata = {{"comment", "{\"seed\":7}"}};
  constexpr int kWidth = 51, kHeight = 35;
  write_clip(options, make_spec(kWidth, kHeight, 3), noise);
  EXPECT_EQ(dir.names(), (std::vector<std::string>{"sub:100%_00001.png", "sub:100%_00002.png",
                                                   "sub:100%_00003.png"}));
  for (int n = 0; n < 3; ++n) {
    std::string path = dir / ("sub:100%_0000" + std::to_string(n + 1) + ".png");
    Image image = read_image(path, {kWidth, kHeight});
    for (int i = 0; i < kWidth * kHeight; ++i) {
      auto want = noise_bytes(i % kWidth, i / kWidth, n);
      for (size_t c = 0; c < 3; ++c)
        ASSERT_EQ(image.pixels[3 * static_cast<size_t>(i) + c], want[c]);
    }
    std::string bytes = read_bytes(path);
    EXPECT_NE(bytes.find("sRGB"), std::string::npos) << "viewers would darken it";
    EXPECT_NE(bytes.find("comment"), std::string::npos);
    EXPECT_NE(bytes.find("{\"seed\":7}"), std::string::npos);
  }
}

TEST(ImageSequence, ExistingPicturesAreKept) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "a_%02d.png";
  write_bytes(dir / "a_02.png", "precious");
  Error error = error_of([&] { write_clip(options, make_spec(32, 32, 3), noise); });
  EXPECT_EQ(error.kind(), ErrorKind::kOutput);
  EXPECT_EQ(dir.names(), std::vector<std::string>{"a_02.png"});
  EXPECT_EQ(read_bytes(dir / "a_02.png"), "precious");
  options.overwrite = true;
  write_clip(options, make_spec(32, 32, 3), noise);
  EXPECT_EQ(dir.names().size(), 3u);
  EXPECT_NE(read_bytes(dir / "a_02.png"), "precious");
}

TEST(ImageSequence, AllOrNoneWhenOneNameIsTakenMeanwhile) {
  TempDir dir;
  OutputOptions options;
  options.path = dir / "a_%d.png";
  auto sink = open_output(options);
  sink->begin(make_spec(32, 32, 5));
  write_bytes(dir / "a_4.png", "faster");
  for (int n = 0; n < 5; ++n) sink->write(make_frame(32, 32, n, noise));
  Error error = error_of([&] { sink->finish(); });
  EXPECT_EQ(error.kind(), ErrorKind::kOutput);
  sink.reset();
  EXPECT_EQ(dir.names(), std::vector<std::string>{"a_4.png"});
  EXPECT_EQ(read_bytes(dir / "a_4.png"), "faster");
}

// What a process with a pipe for standard output writes there.
std::string stdout_of(const std::function<void()>& work, int* status) {
  int ends[2];
  if (pipe(ends) != 0) return "";
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    try {
      work();
    } catch (const Error&) {
      _exit(1);
    }
    _exit(0);
  }
  ::close(ends[1]);
  std::string bytes;
  char buffer[1 << 16];
  ssize_t n;
  while ((n = ::read(ends[0], buffer, sizeof buffer)) > 0)
    bytes.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  waitpid(pid, status, 0);
  return bytes;
}

TEST(StandardOutput, Y4mCanBeReadBack) {
  TempDir dir;
  int status = -1;
  OutputOptions options;
  options.path = "-";
  std::string bytes = stdout_of(
      [&] {
        write_clip(options, make_spec(128, 64, 5), [](int x, int, int) { return bars(x, 128); });
      },
      &status);
  EXPECT_EQ(status, 0);
  std::string header = bytes.substr(0, bytes.find('\n'));
  EXPECT_EQ(header.rfind("YUV4MPEG2 W128 H64 F24:1 Ip", 0), 0u) << header;
  EXPECT_NE(header.find("XCOLORRANGE=LIMITED"), std::string::npos) << header;
  EXPECT_EQ(bytes.size(), header.size() + 1 + 5 * (6 + 128 * 64 * 3 / 2));
  write_bytes(dir / "a.y4m", bytes);
  std::vector<Decoded> frames = decode(dir / "a.y4m");
  ASSERT_EQ(frames.size(), 5u);
  for (int bar = 0; bar < 8; ++bar) {
    Color want = bars(bar * 16 + 8, 128), got = frames[4].rgb_at(bar * 16 + 8, 32);
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(got[c], want[c] * 255, 2) << bar;
  }
}

TEST(StandardOutput, FragmentedMp4CanBeReadBack) {
  TempDir dir;
  int status = -1;
  OutputOptions options;
  options.path = "-";
  options.format = "mp4";
  std::string bytes =
      stdout_of([&] { write_clip(options, make_spec(128, 64, 30), noise); }, &status);
  EXPECT_EQ(status, 0);
  EXPECT_NE(bytes.find("moof"), std::string::npos);
  write_bytes(dir / "a.mp4", bytes);
  FileInfo info = probe(dir / "a.mp4");
  EXPECT_EQ(info.frames, 30);
  EXPECT_EQ(info.codec, "h264");
  EXPECT_EQ(info.color_space, "bt709");
  EXPECT_NEAR(info.seconds, 30 / 24.0, 0.001);
}

}  // namespace
}  // namespace genvid::media
