#include "core/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

using test::expect_error;
using test::read_back;
using test::write_file;

size_t entries(const test::TempDir& dir) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(dir.path()), {}));
}

TEST(AtomicFile, AppearsCompleteOnCommit) {
  const test::TempDir dir;
  {
    AtomicFile file(dir / "out.mp4", false);
    const std::string part = file.part_path().filename().string();
    EXPECT_TRUE(part.starts_with(".out.mp4.") && part.ends_with(".part")) << part;
    EXPECT_EQ(file.part_path().parent_path(), dir.path());
    file.write_all("hel", 3);
    file.write_all("lo", 2);
    file.write_all(nullptr, 0);
    EXPECT_FALSE(std::filesystem::exists(dir / "out.mp4"));
    file.commit();
    EXPECT_EQ(read_back(dir / "out.mp4"), "hello");
  }
  EXPECT_EQ(read_back(dir / "out.mp4"), "hello");
  EXPECT_EQ(entries(dir), 1u);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const test::TempDir dir;
  { AtomicFile(dir / "out", false).write_all("x", 1); }
  EXPECT_EQ(entries(dir), 0u);
}

TEST(AtomicFile, ReplacesOnlyWhenAsked) {
  const test::TempDir dir;
  write_file(dir / "out", "old");
  expect_error(ErrorKind::kOutput, "exists already", [&] { AtomicFile(dir / "out", false); });
  EXPECT_EQ(read_back(dir / "out"), "old");
  AtomicFile file(dir / "out", true);
  file.write_all("new", 3);
  EXPECT_EQ(read_back(dir / "out"), "old");
  file.commit();
  EXPECT_EQ(read_back(dir / "out"), "new");
  EXPECT_EQ(entries(dir), 1u);
}

TEST(AtomicFile, AFileThatAppearsMeanwhileIsKept) {
  const test::TempDir dir;
  {
    AtomicFile file(dir / "out", false);
    file.write_all("ours", 4);
    write_file(dir / "out", "theirs");
    expect_error(ErrorKind::kOutput, "File exists", [&] { file.commit(); });
  }
  EXPECT_EQ(read_back(dir / "out"), "theirs");
  EXPECT_EQ(entries(dir), 1u);
}

TEST(AtomicFile, OneOfManyWritersWins) {
  const test::TempDir dir;
  for (int round = 0; round < 50; ++round) {
    const auto target = dir / ("out" + std::to_string(round));
    std::atomic<int> won{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        try {
          AtomicFile file(target, false);
          file.write_all(std::to_string(t).data(), 1);
          file.commit();
          ++won;
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::kOutput);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(won.load(), 1);
    EXPECT_EQ(read_back(target).size(), 1u);
  }
  EXPECT_EQ(entries(dir), 50u);
}

TEST(AtomicFile, RefusesWhatIsNoRegularFile) {
  const test::TempDir dir;
  std::filesystem::create_directory(dir / "folder");
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  for (const bool overwrite : {false, true}) {
    expect_error(ErrorKind::kOutput, "it is a folder",
                 [&] { AtomicFile(dir / "folder", overwrite); });
    expect_error(ErrorKind::kOutput, "it is not a regular file",
                 [&] { AtomicFile(dir / "fifo", overwrite); });
    expect_error(ErrorKind::kOutput, "it is not a regular file",
                 [&] { AtomicFile("/dev/null", overwrite); });
    expect_error(ErrorKind::kOutput, "names no file",
                 [&] { AtomicFile(dir.path() / "folder/", overwrite); });
    expect_error(ErrorKind::kOutput, "names no file", [&] { AtomicFile("", overwrite); });
    expect_error(ErrorKind::kOutput, "names no file", [&] { AtomicFile("..", overwrite); });
  }
  expect_error(ErrorKind::kOutput, "nowhere must exist",
               [&] { AtomicFile(dir / "nowhere/out", false); });
  expect_error(ErrorKind::kOutput, "Not a directory", [&] { AtomicFile(dir / "fifo/out", false); });
  expect_error(ErrorKind::kOutput, "NUL byte",
               [&] { AtomicFile(dir / std::string_view("a\0b", 3), false); });
  expect_error(ErrorKind::kOutput, "the path is too long",
               [&] { AtomicFile(dir / std::string(5000, 'x'), false); });
  expect_error(ErrorKind::kOutput, "File name too long",
               [&] { AtomicFile(dir / std::string(300, 'x'), false); });
}

TEST(AtomicFile, ALongNameStillFits) {
  const test::TempDir dir;
  const std::string name(255, 'n');
  AtomicFile file(dir / name, false);
  file.commit();
  EXPECT_TRUE(std::filesystem::exists(dir / name));
}

TEST(AtomicFile, ALinkIsReplacedNotFollowed) {
  const test::TempDir dir;
  write_file(dir / "victim", "precious");
  std::filesystem::create_symlink("victim", dir / "out");
  std::filesystem::create_symlink("nowhere", dir / "dangling");
  expect_error(ErrorKind::kOutput, "exists already", [&] { AtomicFile(dir / "out", false); });
  expect_error(ErrorKind::kOutput, "exists already", [&] { AtomicFile(dir / "dangling", false); });
  AtomicFile file(dir / "out", true);
  file.write_all("new", 3);
  file.commit();
  EXPECT_EQ(read_back(dir / "victim"), "precious");
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(dir / "out")));
}

TEST(AtomicFile, SaysWhatTheSystemSaid) {
  // A file size limit in a child: the write fails with EFBIG, exit code 4, and nothing is left.
  const test::TempDir dir;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ignore_output_signals();
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int code = 0;
    try {
      AtomicFile file(dir / "out", false);
      const std::string block(3000, 'x');
      for (int i = 0; i < 10; ++i) file.write_all(block.data(), block.size());
      file.commit();
    } catch (const Error& error) {
      const bool says = std::string(error.what()).find("File too large") != std::string::npos;
      code = says ? error.exit_code() : 99;
    }
    ::_exit(code);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 4);
  EXPECT_EQ(entries(dir), 0u);
}

TEST(AtomicFile, GivesTheUsualPermissions) {
  const test::TempDir dir;
  const mode_t old = ::umask(027);
  AtomicFile file(dir / "out", false);
  file.commit();
  ::umask(old);
  struct stat info {};
  ASSERT_EQ(::stat((dir / "out").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

}  // namespace
}  // namespace genvid
