// The faults of output_faults_test for what is no plain video file: GIF, folders and sequences of
// pictures, and the preview sheet beside a clip.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "media/image_reader.h"
#include "media/video_writer.h"
#include "unit/media/fault_helper.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

namespace fs = std::filesystem;

struct Kind {
  const char* name;
  const char* output;   // after -o
  const char* preview;  // after --preview, if any
  const char* written;  // a file that is there when all went well
};
void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class PictureFaults : public testing::TestWithParam<Kind> {
 protected:
  OutputOptions in(const std::string& folder) const {
    OutputOptions options;
    options.path = folder + "/" + GetParam().output;
    if (GetParam().preview != nullptr) options.preview = folder + "/" + GetParam().preview;
    return options;
  }
  bool is_preview() const { return GetParam().preview != nullptr; }

  TempDir dir_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, PictureFaults,
                         testing::Values(Kind{"Gif", "a.gif", nullptr, "a.gif"},
                                         Kind{"Folder", "frames/", nullptr,
                                              "frames/frame_00001.png"},
                                         Kind{"Sequence", "a_%03d.png", nullptr, "a_001.png"},
                                         Kind{"Preview", "a.mp4", "p.png", "p.png"}),
                         [](const auto& info) { return std::string(info.param.name); });

// Everything below a folder, hidden names too.
std::vector<std::string> all_of(const fs::path& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    found.push_back(fs::relative(entry.path(), folder).string());
  }
  return found;
}

TEST_P(PictureFaults, AFullDiskLeavesNothingOfIt) {
  const std::string disk = dir_ / "disk";
  const SmallDisk mounted(disk, "160k");
  if (!mounted.ok()) GTEST_SKIP() << "cannot mount a small tmpfs here: " << mounted.why();
  // For the preview a clip that fits: the sheet is what is too much.
  const Painter paint = [&](int x, int y, int n) {
    return is_preview() ? noise(x, y, 0) : noise(x, y, n);
  };
  const FrameSpec spec = is_preview() ? make_spec(320, 240, 12, {12, 1}) : make_spec(320, 240, 40);
  OutputOptions options = in(disk);
  if (is_preview()) options.crf = 45;
  const Error error = error_of([&] { write_clip(options, spec, paint); });
  EXPECT_EQ(error.kind(), ErrorKind::kOutput);
  EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos) << error.what();
  // A clip that came under its name before its sheet failed is whole and stays.
  EXPECT_EQ(all_of(disk),
            is_preview() ? std::vector<std::string>{"a.mp4"} : std::vector<std::string>{});
}

TEST_P(PictureFaults, AFileSizeLimitIsAnErrorNotASignal) {
  std::string message;
  const int status = in_child(
      [&] {
        const rlim_t bytes = is_preview() ? 64 << 10 : 8 << 10;
        const rlimit limit{bytes, bytes};
        setrlimit(RLIMIT_FSIZE, &limit);
        OutputOptions options = in(dir_.path());
        if (is_preview()) options.crf = 45;
        write_clip(options, make_spec(320, 240, 12, {12, 1}),
                   [](int x, int y, int) { return noise(x, y, 0); });
      },
      &message);
  EXPECT_EQ(status, 104) << message;
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_EQ(all_of(dir_.path()),
            is_preview() ? std::vector<std::string>{"a.mp4"} : std::vector<std::string>{});
}

TEST_P(PictureFaults, AFolderThatIsReadOnly) {
  const std::string folder = dir_ / "disk";
  const SmallDisk mounted(folder, "1m");
  if (!mounted.ok()) GTEST_SKIP() << "cannot mount a small tmpfs here: " << mounted.why();
  // Permissions do not stop root; a read-only file system does.
  ASSERT_EQ(mount("tmpfs", folder.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, ""), 0);
  OutputOptions options = in(folder);
  if (is_preview()) options.path = dir_ / "a.mp4";
  const Error error = error_of([&] { write_clip(options, make_spec(64, 64, 2), noise); });
  EXPECT_EQ(error.kind(), ErrorKind::kOutput);
  EXPECT_NE(std::string(error.what()).find("Read-only"), std::string::npos) << error.what();
  EXPECT_EQ(dir_.names(), std::vector<std::string>{"disk"});
}

TEST_P(PictureFaults, WhatIsThereStaysUnlessOverwritten) {
  const std::string target = dir_ / GetParam().written;
  fs::create_directories(fs::path(target).parent_path());
  write_bytes(target, "precious");
  OutputOptions options = in(dir_.path());
  const Error error = error_of([&] { write_clip(options, make_spec(64, 64, 2), noise); });
  EXPECT_EQ(error.kind(), ErrorKind::kOutput);
  EXPECT_NE(std::string(error.what()).find("--overwrite"), std::string::npos) << error.what();
  EXPECT_EQ(read_bytes(target), "precious");
  error_of([&] { check_output(options, {64, 64}, {24, 1}); });
  options.overwrite = true;
  write_clip(options, make_spec(64, 64, 2), noise);
  EXPECT_FALSE(decode(target).empty());
}

TEST_P(PictureFaults, ALinkIsReplacedAndNotFollowed) {
  const std::string target = dir_ / GetParam().written;
  fs::create_directories(fs::path(target).parent_path());
  write_bytes(dir_ / "elsewhere", "precious");
  fs::create_symlink(dir_ / "elsewhere", target);
  OutputOptions options = in(dir_.path());
  error_of([&] { write_clip(options, make_spec(64, 64, 2), noise); });
  options.overwrite = true;
  write_clip(options, make_spec(64, 64, 2), noise);
  EXPECT_EQ(read_bytes(dir_ / "elsewhere"), "precious");
  EXPECT_FALSE(fs::is_symlink(target));
  EXPECT_FALSE(decode(target).empty());
}

TEST_P(PictureFaults, AFifoIsRefusedAtOnce) {
  const std::string target = dir_ / GetParam().written;
  fs::create_directories(fs::path(target).parent_path());
  ASSERT_EQ(mkfifo(target.c_str(), 0600), 0);
  for (const bool overwrite : {false, true}) {
    OutputOptions options = in(dir_.path());
    options.overwrite = overwrite;
    std::string message;
    const int status = in_child(
        [&] {
          alarm(20);  // nobody reads: whoever opened it would wait
          check_output(options, {64, 64}, {24, 1});
        },
        &message);
    EXPECT_EQ(status, 104) << overwrite << message;
  }
  EXPECT_TRUE(fs::is_fifo(target));
}

TEST_P(PictureFaults, NamesWithColonsAndPercentSigns) {
  const std::string folder = dir_ / "file:100% of %d";
  fs::create_directory(folder);
  OutputOptions options = in(folder);
  write_clip(options, make_spec(64, 64, 2), noise);
  EXPECT_TRUE(fs::exists(folder + "/" + GetParam().written));
  EXPECT_EQ(dir_.names().size(), 1u);
}

TEST_P(PictureFaults, AKilledWriterLeavesNothingUnderTheName) {
  for (const int frames : {1, 11}) {
    const int status = in_child([&] {
      auto sink = open_output(in(dir_.path()));
      sink->begin(make_spec(128, 64, 12));
      for (int n = 0; n < frames; ++n) sink->write(make_frame(128, 64, n, noise));
      kill(getpid(), SIGKILL);
    });
    EXPECT_EQ(status, 1000 + SIGKILL);
    for (const std::string& left : dir_.names()) {
      EXPECT_EQ(left.front(), '.') << left;
      EXPECT_NE(left.find(".part"), std::string::npos) << left;
    }
  }
}

TEST(PictureNames, ColonsAndPercentSigns) {
  TempDir dir;
  for (const std::string name : {"sc:1 100%.gif", "http:x.gif", "50%d.gif"}) {
    OutputOptions options;
    options.path = dir / name;
    write_clip(options, make_spec(64, 64, 2), noise);
    EXPECT_FALSE(decode(options.path).empty()) << name;
  }
  OutputOptions options;
  options.path = dir / "a.mp4";
  options.preview = dir / "p:100%d.png";
  write_clip(options, make_spec(64, 64, 2), noise);
  EXPECT_GT(read_image(options.preview, {4 * 68 + 4, 72}).pixels.size(), 0u);
}

}  // namespace
}  // namespace genvid::media
