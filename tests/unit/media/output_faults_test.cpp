// What goes wrong around an output: nothing half-made may stay under the final name, and every
// cause gets its own line and exit code.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/cancel.h"
#include "media/probe.h"
#include "media/video_writer.h"
#include "unit/media/fault_helper.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

bool contains(const Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

OutputOptions to(const std::string& path) {
  OutputOptions options;
  options.path = path;
  return options;
}

TEST(OutputFaults, AnExistingFileIsKept) {
  TempDir dir;
  for (std::string name : {"a.mp4", "a.mkv"}) {
    write_bytes(dir / name, "precious");
    Error error = error_of([&] { write_clip(to(dir / name), make_spec(64, 64, 2), noise); });
    EXPECT_EQ(error.kind(), ErrorKind::kOutput);
    EXPECT_TRUE(contains(error, "exists already")) << error.what();
    EXPECT_EQ(read_bytes(dir / name), "precious");
  }
}

TEST(OutputFaults, OverwriteReplaces) {
  TempDir dir;
  write_bytes(dir / "a.mp4", "old");
  OutputOptions options = to(dir / "a.mp4");
  options.overwrite = true;
  write_clip(options, make_spec(64, 64, 2), noise);
  EXPECT_EQ(probe(options.path).frames, 2);
  EXPECT_EQ(dir.names(), std::vector<std::string>{"a.mp4"});
}

TEST(OutputFaults, ALinkIsReplacedAndNotFollowed) {
  TempDir dir;
  write_bytes(dir / "target.mp4", "elsewhere");
  std::filesystem::create_symlink(dir / "target.mp4", dir / "a.mp4");
  Error error = error_of([&] { write_clip(to(dir / "a.mp4"), make_spec(64, 64, 2), noise); });
  EXPECT_EQ(error.kind(), ErrorKind::kOutput);
  OutputOptions options = to(dir / "a.mp4");
  options.overwrite = true;
  write_clip(options, make_spec(64, 64, 2), noise);
  EXPECT_EQ(read_bytes(dir / "target.mp4"), "elsewhere");
  EXPECT_FALSE(std::filesystem::is_symlink(dir / "a.mp4"));
}

TEST(OutputFaults, AFileThatComesMeanwhileIsKept) {
  TempDir dir;
  auto sink = open_output(to(dir / "a.mp4"));
  sink->begin(make_spec(64, 64, 1));
  sink->write(make_frame(64, 64, 0, noise));
  write_bytes(dir / "a.mp4", "faster");
  Error error = error_of([&] { sink->finish(); });
  EXPECT_EQ(error.kind(), ErrorKind::kOutput);
  sink.reset();
  EXPECT_EQ(read_bytes(dir / "a.mp4"), "faster");
  EXPECT_EQ(dir.names(), std::vector<std::string>{"a.mp4"});
}

TEST(OutputFaults, WithoutFinishNothingStays) {
  TempDir dir;
  for (std::string name : {"a.mp4", "a.mov", "a.mkv", "a.webm", "a_%03d.png"}) {
    {
      auto sink = open_output(to(dir / name));
      sink->begin(make_spec(64, 64, 60));
      for (int n = 0; n < 20; ++n) sink->write(make_frame(64, 64, n, noise));
      EXPECT_EQ(dir.names().size(), 1u) << "the part file or folder";
      EXPECT_EQ(dir.names().front().front(), '.');
    }
    EXPECT_TRUE(dir.names().empty()) << name;
  }
}

TEST(OutputFaults, TooFewOrTooManyFramesIsAnError) {
  TempDir dir;
  {
    auto sink = open_output(to(dir / "a.mp4"));
    sink->begin(make_spec(64, 64, 3));
    sink->write(make_frame(64, 64, 0, noise));
    EXPECT_TRUE(contains(error_of([&] { sink->finish(); }), "1 of 3"));
  }
  {
    auto sink = open_output(to(dir / "b.mp4"));
    sink->begin(make_spec(64, 64, 1));
    sink->write(make_frame(64, 64, 0, noise));
    error_of([&] { sink->write(make_frame(64, 64, 1, noise)); });
  }
  EXPECT_TRUE(dir.names().empty());
}

TEST(OutputFaults, AKilledWriterLeavesNothingUnderTheName) {
  TempDir dir;
  for (std::string name : {"a.mp4", "b.mov", "c_%02d.png"}) {
    for (int frames : {1, 9, 29}) {
      int status = in_child([&] {
        auto sink = open_output(to(dir / name));
        sink->begin(make_spec(128, 64, 30));
        for (int n = 0; n < frames; ++n) sink->write(make_frame(128, 64, n, noise));
        kill(getpid(), SIGKILL);
      });
      EXPECT_EQ(status, 1000 + SIGKILL);
      for (const std::string& left : dir.names()) {
        EXPECT_EQ(left.front(), '.') << left;
        EXPECT_NE(left.find(".part"), std::string::npos) << left;
      }
    }
  }
}

TEST(OutputFaults, FoldersThatCannotBeWrittenTo) {
  TempDir dir;
  write_bytes(dir / "file", "x");
  for (std::string path : {dir / "none/a.mp4", dir / "file/a.mp4", std::string("/proc/a.mp4"),
                           std::string("/proc/a_%d.png")}) {
    Error written = error_of([&] { write_clip(to(path), make_spec(64, 64, 1), noise); });
    EXPECT_EQ(written.kind(), ErrorKind::kOutput) << written.what();
    Error checked = error_of([&] { check_output(to(path), {64, 64}, {24, 1}); });
    EXPECT_EQ(checked.kind(), ErrorKind::kOutput) << checked.what();
  }
}

TEST(OutputFaults, WhatIsNoRegularFileIsRefused) {
  TempDir dir;
  std::filesystem::create_directory(dir / "folder.mp4");
  ASSERT_EQ(mkfifo((dir / "fifo.mp4").c_str(), 0600), 0);
  std::filesystem::create_symlink("/dev/full", dir / "full.mp4");
  for (std::string name : {"folder.mp4", "fifo.mp4", "full.mp4"}) {
    for (bool overwrite : {false, true}) {
      if (overwrite && name == "full.mp4") continue;  // the link is replaced
      OutputOptions options = to(dir / name);
      options.overwrite = overwrite;
      Error error = error_of([&] { check_output(options, {64, 64}, {24, 1}); });
      EXPECT_EQ(error.kind(), ErrorKind::kOutput) << name << ": " << error.what();
    }
  }
}

TEST(OutputFaults, AFullDiskLeavesNothing) {
  TempDir dir;
  const std::string disk = dir / "disk";
  const SmallDisk mounted(disk, "256k");
  if (!mounted.ok()) GTEST_SKIP() << "cannot mount a small tmpfs here: " << mounted.why();
  for (std::string name : {"/a.mp4", "/a.mkv", "/a.mov", "/a_%05d.png"}) {
    Error error = error_of([&] { write_clip(to(disk + name), make_spec(320, 240, 60), noise); });
    EXPECT_EQ(error.kind(), ErrorKind::kOutput) << name;
    EXPECT_TRUE(contains(error, "No space left")) << error.what();
    EXPECT_TRUE(std::filesystem::is_empty(disk)) << name;
  }
  Error early = error_of([&] { check_output(to(disk + "/a.mkv"), {1280, 720}, {24, 1}, 240); });
  EXPECT_EQ(early.kind(), ErrorKind::kOutput);
  EXPECT_TRUE(contains(early, "kB free")) << early.what();
}

TEST(OutputFaults, AFileSizeLimitIsAnErrorNotASignal) {
  TempDir dir;
  for (std::string name : {"a.mkv", "a.mp4", "a_%d.png"}) {
    std::string message;
    int status = in_child(
        [&] {
          rlimit limit{16 << 10, 16 << 10};
          setrlimit(RLIMIT_FSIZE, &limit);
          write_clip(to(dir / name), make_spec(320, 240, 60), noise);
        },
        &message);
    EXPECT_EQ(status, 104) << name << ": " << message;
    EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  }
  EXPECT_TRUE(dir.names().empty());
}

TEST(OutputFaults, NoDescriptorsLeft) {
  TempDir dir;
  std::string message;
  int status = in_child(
      [&] {
        rlimit limit{16, 16};
        setrlimit(RLIMIT_NOFILE, &limit);
        while (open("/dev/null", O_RDONLY) >= 0) {
        }
        write_clip(to(dir / "a.mp4"), make_spec(64, 64, 2), noise);
      },
      &message);
  EXPECT_EQ(status, 104) << message;
  EXPECT_TRUE(dir.names().empty());
}

// Gives the child a standard output of our choice.
void use_stdout(int fd) {
  if (dup2(fd, STDOUT_FILENO) < 0) _exit(98);
}

TEST(OutputFaults, AClosedPipeIsAnErrorNotASignal) {
  for (std::string format : {"y4m", "mp4"}) {
    std::string message;
    int status = in_child(
        [&] {
          int ends[2];
          if (pipe(ends) != 0) _exit(97);
          use_stdout(ends[1]);
          ::close(ends[1]);
          ::close(ends[0]);
          OutputOptions options = to("-");
          options.format = format;
          write_clip(options, make_spec(320, 240, 120), noise);
        },
        &message);
    EXPECT_EQ(status, 104) << format << ": " << message;
    EXPECT_NE(message.find("Broken pipe"), std::string::npos) << message;
  }
}

TEST(OutputFaults, AFullDeviceOnStandardOutput) {
  std::string message;
  int status = in_child(
      [&] {
        use_stdout(open("/dev/full", O_WRONLY));
        write_clip(to("-"), make_spec(64, 64, 3), noise);
      },
      &message);
  EXPECT_EQ(status, 104) << message;
  EXPECT_NE(message.find("No space left"), std::string::npos) << message;
}

TEST(OutputFaults, AReaderThatSleepsDoesNotKeepTheProgramAlive) {
  int status = in_child([&] {
    int ends[2];
    if (pipe(ends) != 0) _exit(97);
    use_stdout(ends[1]);
    alarm(20);
    {
      auto sink = open_output(to("-"));
      sink->begin(make_spec(320, 240, 10));
      for (int n = 0; n < 3; ++n) sink->write(make_frame(320, 240, n, noise));
    }  // given up while the pipe is full
    {
      auto sink = open_output(to("-"));
      sink->begin(make_spec(320, 240, 10));
      std::thread interrupt([] {
        usleep(200000);
        request_cancel(SIGINT);
      });
      try {
        for (int n = 0; n < 10; ++n) sink->write(make_frame(320, 240, n, noise));
        sink->finish();
      } catch (const Error&) {
        interrupt.join();
        throw;
      }
    }
  });
  EXPECT_GT(status, 100);
  EXPECT_LT(status, 1000) << "ended by the alarm";
}

uint64_t mapped_bytes() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(OutputFaults, AnEncoderFailureSurfaces) {
  TempDir dir;
  // One grey plane for all three, so that the memory goes to the encoder, which needs over 1 GB.
  FrameView view;
  std::vector<float> grey(4096 * 4096, 0.5f);
  view.plane.fill(grey.data());
  view.stride.fill(4096 * sizeof(float));
  std::string message;
  int status = in_child(
      [&] {
        rlim_t bytes = mapped_bytes() + (300 << 20);
        rlimit limit{bytes, bytes};
        setrlimit(RLIMIT_AS, &limit);
        auto sink = open_output(to(dir / "a.mp4"));
        sink->begin(make_spec(4096, 4096, 60));
        for (int n = 0; n < 60; ++n) sink->write(view);
        sink->finish();
      },
      &message);
  EXPECT_TRUE(status == 104 || status == 105 || status == 107) << status << ": " << message;
  EXPECT_NE(message.find("libx264"), std::string::npos) << message;
  EXPECT_TRUE(dir.names().empty());
}

}  // namespace
}  // namespace genvid::media
