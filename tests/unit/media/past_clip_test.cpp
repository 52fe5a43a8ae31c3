#include "media/past_clip.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

// 24 grey frames of 96x64 at 12 a second, each brighter than the one before.
std::string make_video(const TempDir& dir, const std::string& options = "-c:v ffv1") {
  const std::string path = dir / "a.mkv";
  EXPECT_EQ(std::system(("ffmpeg -v error -y -f lavfi -i \"color=c=gray:s=96x64:r=12:d=2,"
                         "format=gbrp,geq=r=40+N*4:g=40+N*4:b=40+N*4\" " +
                         options + " " + path)
                            .c_str()),
            0);
  return path;
}

std::vector<int> brightness(const PastClip& past) {
  std::vector<int> out;
  for (const Image& image : past.last) out.push_back(image.pixels[0]);
  return out;
}

TEST(PastClip, GivesTheLastFramesAtItsOwnRate) {
  const TempDir dir;
  const PastClip past = read_past(make_video(dir), {{96, 64}, {12, 1}}, 3);
  EXPECT_EQ(past.frames, 24);
  EXPECT_EQ(brightness(past), (std::vector<int>{40 + 4 * 21, 40 + 4 * 22, 40 + 4 * 23}));
  EXPECT_FALSE(past.info.audio);
  EXPECT_EQ(read_past(dir / "a.mkv", {{96, 64}, {12, 1}}, 100).last.size(), 24u);
}

TEST(PastClip, RepeatsAndLeavesOutFramesAtAnotherRate) {
  const TempDir dir;
  const std::string path = make_video(dir);
  const PastClip twice = read_past(path, {{96, 64}, {24, 1}}, 4);
  EXPECT_EQ(twice.frames, 48);
  EXPECT_EQ(brightness(twice), (std::vector<int>{128, 128, 132, 132}));
  const PastClip half = read_past(path, {{96, 64}, {6, 1}}, 2);
  EXPECT_EQ(half.frames, 12);
  EXPECT_EQ(brightness(half), (std::vector<int>{40 + 4 * 20, 40 + 4 * 22}));
}

TEST(PastClip, CropsToTheShapeAndScales) {
  const TempDir dir;
  const PastClip past = read_past(make_video(dir), {{32, 32}, {12, 1}}, 1);
  EXPECT_EQ(past.last.at(0).width, 32);
  EXPECT_EQ(past.last.at(0).height, 32);
}

TEST(PastClip, ComesBeforeWhatIsWritten) {
  const TempDir dir;
  const std::string path = make_video(dir);
  const PastFormat format{{96, 64}, {12, 1}};
  const int64_t frames = read_past(path, format, 1).frames;
  OutputOptions options;
  options.path = dir / "b.mkv";
  const auto output = after_past(open_output(options), path, frames);
  output->begin(make_spec(96, 64, 2, {12, 1}));
  for (int n = 0; n < 2; ++n) {
    output->write(make_frame(96, 64, n, [](int, int, int) { return Color{1, 0, 0}; }));
  }
  output->finish();
  const auto all = decode(dir / "b.mkv");
  ASSERT_EQ(all.size(), 26u);
  EXPECT_EQ(all[23].planes[1][0], 40 + 4 * 23);
  EXPECT_EQ(all[24].planes[0][0], 255);
  EXPECT_EQ(all[24].planes[1][0], 0);
}

TEST(PastClip, RefusesAFileThatChanged) {
  const TempDir dir;
  const std::string path = make_video(dir);
  for (const int64_t frames : {23, 25}) {
    OutputOptions options;
    options.path = dir / "b.mkv";
    const auto output = after_past(open_output(options), path, frames);
    const Error e = error_of([&] { output->begin(make_spec(96, 64, 2, {12, 1})); });
    EXPECT_NE(std::string(e.what()).find("changed"), std::string::npos) << e.what();
  }
}

TEST(PastClip, RefusesASinglePictureAndTooManyFrames) {
  const TempDir dir;
  const std::string path = make_video(dir, "-frames:v 1 -c:v ffv1");
  const Error e = error_of([&] { read_past(path, {{96, 64}, {12, 1}}, 1); });
  EXPECT_NE(std::string(e.what()).find("single picture"), std::string::npos) << e.what();
  ASSERT_EQ(std::system(("ffmpeg -v error -y -f lavfi -i testsrc=s=16x16:r=1:d=2000 -c:v ffv1 " +
                         (dir / "slow.mkv"))
                            .c_str()),
            0);
  const Error many = error_of([&] { read_past(dir / "slow.mkv", {{16, 16}, {240, 1}}, 1); });
  EXPECT_NE(std::string(many.what()).find("100000"), std::string::npos) << many.what();
}

}  // namespace
}  // namespace genvid::media
