// Which requests are refused before anything is computed, and with what words.
#include "media/output_plan.h"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include "media/image_pattern.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

struct Refusal {
  OutputOptions options;
  Size size;
  ErrorKind kind;
  std::string says;
};

OutputOptions with(const std::string& path, const std::string& codec = "",
                   const std::string& pix_fmt = "", std::optional<int> crf = std::nullopt,
                   const std::string& format = "") {
  OutputOptions options;
  options.path = path;
  options.codec = codec;
  options.pix_fmt = pix_fmt;
  options.crf = crf;
  options.format = format;
  return options;
}

TEST(OutputPlan, RefusesWithTheWayOut) {
  const Size size{64, 64};
  const Refusal kCases[] = {
      {with(""), size, ErrorKind::kUsage, "-o"},
      {with("clip"), size, ErrorKind::kUsage, ".mp4"},
      {with("clip.xyz"), size, ErrorKind::kUsage, "'.xyz'"},
      {with("a.mp4/clip"), size, ErrorKind::kUsage, ".mp4"},
      {with("a.mp4", "h266"), size, ErrorKind::kUsage, "usable here: h264"},
      {with("a.mp4", "prores"), size, ErrorKind::kUsage, "leave --codec out"},
      {with("a.mp4", "ffv1"), size, ErrorKind::kUsage, "does not go into"},
      {with("a.webm", "h264"), size, ErrorKind::kUsage, "does not go into"},
      {with("a.mp4", "png"), size, ErrorKind::kUsage, "does not go into"},
      {with("a.mp4", "y4m"), size, ErrorKind::kUsage, "does not go into"},
      {with("a.y4m", "h264"), size, ErrorKind::kUsage, "does not go into"},
      {with("a_%d.png", "h264"), size, ErrorKind::kUsage, "leave --codec out"},
      {with("a.mp4", "", "rgb24"), size, ErrorKind::kUsage, "yuv420p"},
      {with("a.mp4", "", "nonsense"), size, ErrorKind::kUsage, "use one of"},
      {with("a.mp4", "", "yuvj420p"), size, ErrorKind::kUsage, "use one of"},
      {with("a.mov", "", "yuv420p"), size, ErrorKind::kUsage, "yuv422p10le"},
      {with("a.mp4", "", "", 52), size, ErrorKind::kUsage, "0..51"},
      {with("a.mp4", "", "", -1), size, ErrorKind::kUsage, "0..51"},
      {with("a.mkv", "", "", 18), size, ErrorKind::kUsage, "--crf does not apply"},
      {with("a.mp4"), {65, 64}, ErrorKind::kUsage, "use 64x64"},
      {with("a.mp4"), {64, 33}, ErrorKind::kUsage, "use 64x32"},
      {with("a.mp4"), {8, 64}, ErrorKind::kUsage, "16..8192"},
      {with("a.mp4"), {64, 9000}, ErrorKind::kUsage, "16..8192"},
      {with("a.mp4"), {-4, 0}, ErrorKind::kUsage, "16..8192"},
      {with("-", "", "", std::nullopt, "avi"), size, ErrorKind::kUsage, "y4m, mp4, mkv"},
      {with("a.png"), size, ErrorKind::kUsage, "frame_%05d.png"},
      {with("a_%d_%d.png"), size, ErrorKind::kUsage, "more than one number"},
      {with("100%.png"), size, ErrorKind::kUsage, "%%"},
      {with("a_%5d.png"), size, ErrorKind::kUsage, "%05d"},
      {with("a_%099d.png"), size, ErrorKind::kUsage, "%05d"},
      {with("a_%s.png"), size, ErrorKind::kUsage, "%05d"},
      {with(std::string("a\0b.mp4", 7)), size, ErrorKind::kUsage, "NUL"},
      {with(std::string(5000, 'a') + ".mp4"), size, ErrorKind::kUsage, "longer than"},
      {with("nowhere/a.mp4"), size, ErrorKind::kOutput, "mkdir -p"},
  };
  for (const Refusal& c : kCases) {
    Error error = error_of([&] { check_output(c.options, c.size, {24, 1}); });
    EXPECT_EQ(error.kind(), c.kind) << c.options.path << ": " << error.what();
    EXPECT_NE(std::string(error.what()).find(c.says), std::string::npos) << error.what();
  }
}

TEST(OutputPlan, RefusesOddRates) {
  TempDir dir;
  for (Rational fps :
       {Rational{0, 1}, {24, 0}, {-24, 1}, {1000, 1}, {1, 1000}, {1 << 30, 1 << 26}}) {
    Error error = error_of([&] { check_output(with(dir / "a.mp4"), {64, 64}, fps); });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

TEST(OutputPlan, AcceptsWhatWorksAndLeavesNothing) {
  TempDir dir;
  for (const std::string& codec : usable_codecs()) {
    if (codec == "raw") continue;  // for standard output alone
    std::string name = codec == "prores" ? "a.mov"
                       : codec == "ffv1" ? "a.mkv"
                       : codec == "png"  ? "a_%04d.png"
                       : codec == "y4m"  ? "a.y4m"
                       : codec == "gif"  ? "a.gif"
                                         : "a.mp4";
    EXPECT_NO_THROW(check_output(with(dir / name, codec), {128, 64}, {24, 1}, 240)) << codec;
  }
  EXPECT_TRUE(dir.names().empty());
}

TEST(OutputPlan, IsQuick) {
  TempDir dir;
  // Processor time, which other programs on the machine do not change.
  auto used = [] {
    double seconds = 0;
    for (int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
      rusage usage{};
      getrusage(who, &usage);
      seconds += static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    }
    return seconds;
  };
  double before = used();
  check_output(with(dir / "a.mp4"), {832, 480}, {16, 1}, 161);
  double seconds = used() - before;
  RecordProperty("milliseconds", static_cast<int>(seconds * 1000));
  EXPECT_LT(seconds, 0.2);
}

TEST(OutputPlan, AnEncoderThatCannotWorkSaysSo) {
  TempDir dir;
  try {
    check_output(with(dir / "a.mp4", "h264_nvenc"), {256, 256}, {24, 1});
    GTEST_SKIP() << "NVENC works here";
  } catch (const Error& error) {  // no encoder in this FFmpeg, or no driver on this machine
    EXPECT_EQ(error.kind(), ErrorKind::kUnavailable) << error.what();
    EXPECT_NE(std::string(error.what()).find("here: h264"), std::string::npos) << error.what();
  }
}

TEST(OutputPlan, Av1HasItsOwnSmallestSize) {
  OutputPlan plan = plan_output(with("a.mp4", "av1"));
  if (plan.encoder.encoder != "libsvtav1") GTEST_SKIP() << "not libsvtav1";
  Error error = error_of([&] { check_geometry(plan, {32, 64}, {24, 1}); });
  EXPECT_NE(std::string(error.what()).find("64..8192"), std::string::npos) << error.what();
}

TEST(ImagePattern, NamesAndEscapes) {
  ImagePattern p = parse_image_pattern("dir/x_%05d.png");
  EXPECT_EQ(p.folder, "dir");
  EXPECT_EQ(p.name(7), "x_00007.png");
  EXPECT_EQ(p.name(1234567), "x_1234567.png");
  EXPECT_EQ(parse_image_pattern("%d.png").name(12), "12.png");
  EXPECT_EQ(parse_image_pattern("100%%_%02d%%.png").name(3), "100%_03%.png");
  EXPECT_EQ(parse_image_pattern("a%d/b%d.png").folder, "a%d");
  EXPECT_EQ(parse_image_pattern("/x%d.png").folder, "/");
}

}  // namespace
}  // namespace genvid::media
