#include "core/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

TEST(MappedFile, ShowsTheBytes) {
  const test::TempDir dir;
  test::write_file(dir / "f", "hello");
  const MappedFile file(dir / "f");
  EXPECT_EQ(file.size(), 5u);
  EXPECT_EQ(std::string(file.bytes().begin(), file.bytes().end()), "hello");
  file.will_need(0, 5);
  file.will_need(3, UINT64_MAX);
  file.will_need(9, 1);
  test::write_file(dir / "empty", "");
  EXPECT_TRUE(MappedFile(dir / "empty").bytes().empty());
  test::expect_error(ErrorKind::kModel, "it is a folder", [&] { MappedFile unused(dir.path()); });
}

TEST(MappedFileDeathTest, AShrinkingFileEndsTheProgramWithCode3AndOneLine) {
  const test::TempDir dir;
  test::write_file(dir / "shrinks", std::string(100'000, 'x'));
  EXPECT_EXIT(
      {
        const MappedFile file(dir / "shrinks");
        if (::truncate((dir / "shrinks").c_str(), 0) != 0) ::_exit(90);
        volatile uint8_t byte = file.bytes()[50'000];
        ::_exit(91 + (byte & 1));
      },
      ::testing::ExitedWithCode(3), "^error: .*/shrinks became shorter or unreadable.*\n$");
}

TEST(MappedFileDeathTest, OtherBusErrorsStayFatal) {
  const test::TempDir dir;
  test::write_file(dir / "ours", "x");
  EXPECT_EXIT(
      {
        const MappedFile file(dir / "ours");
        ::raise(SIGBUS);
        ::_exit(0);
      },
      ::testing::KilledBySignal(SIGBUS), "");
}

TEST(MappedFile, SlotsAreReused) {
  const test::TempDir dir;
  test::write_file(dir / "f", "x");
  for (int i = 0; i < 5000; ++i) {
    const MappedFile file(dir / "f");
    ASSERT_EQ(file.bytes()[0], 'x');
  }
}

}  // namespace
}  // namespace genvid
