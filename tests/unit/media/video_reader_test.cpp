#include "media/video_reader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "genvid/error.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

// Grey frames of growing brightness, 24 of 96x64.
std::string make_video(const TempDir& dir, const std::string& name, const std::string& options) {
  const std::string path = dir / name;
  const std::string command =
      "ffmpeg -v error -y -f lavfi -i \"color=c=gray:s=96x64:r=12:d=2,format=gbrp,"
      "geq=r=40+N*4:g=40+N*4:b=40+N*4\" " +
      options + " " + path;
  EXPECT_EQ(std::system(command.c_str()), 0);
  return path;
}

std::string error_of(const std::string& path, const ReadOptions& options = {}) {
  try {
    for_each_frame(path, options, [](Image&&) {});
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    return e.what();
  }
  return "";
}

TEST(VideoReader, GivesEveryFrameInOrder) {
  TempDir dir;
  const std::string path = make_video(dir, "a.mkv", "-c:v ffv1");
  int n = 0;
  for_each_frame(path, {}, [&](Image&& frame) {
    EXPECT_EQ(frame.width, 96);
    EXPECT_EQ(frame.height, 64);
    EXPECT_EQ(frame.pixels[0], 40 + 4 * n);
    ++n;
  });
  EXPECT_EQ(n, 24);
}

TEST(VideoReader, ScalesDownButNotUp) {
  TempDir dir;
  const std::string path = make_video(dir, "a.mp4", "-pix_fmt yuv420p -colorspace bt709");
  ReadOptions options;
  options.max_width = 48;
  for_each_frame(path, options, [](Image&& frame) {
    EXPECT_EQ(frame.width, 48);
    EXPECT_EQ(frame.height, 32);
  });
  options.max_width = 500;
  for_each_frame(path, options, [](Image&& frame) { EXPECT_EQ(frame.width, 96); });
}

TEST(VideoReader, RefusesWhatIsNoWholeVideo) {
  TempDir dir;
  EXPECT_NE(error_of(dir / "none.mp4").find("cannot open"), std::string::npos);
  std::ofstream(dir / "text.mp4") << "not a video";
  EXPECT_NE(error_of(dir / "text.mp4").find("not a picture or video"), std::string::npos);
  const std::string path = make_video(dir, "a.mp4", "-pix_fmt yuv420p -movflags +faststart");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) * 2 / 3);
  EXPECT_NE(error_of(path), "");
  ReadOptions few;
  few.max_frames = 10;
  EXPECT_NE(error_of(make_video(dir, "b.mkv", "-c:v ffv1"), few).find("more than 10 frames"),
            std::string::npos);
}

TEST(VideoReader, StopsWhenTheTakerThrows) {
  TempDir dir;
  const std::string path = make_video(dir, "a.mkv", "-c:v ffv1");
  int n = 0;
  EXPECT_THROW(for_each_frame(path, {},
                              [&](Image&&) {
                                if (++n == 3) throw std::runtime_error("enough");
                              }),
               std::runtime_error);
  EXPECT_EQ(n, 3);
}

}  // namespace
}  // namespace genvid::media
