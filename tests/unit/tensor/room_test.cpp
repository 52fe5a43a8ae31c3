#include "tensor/room.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

#include "genvid/error.h"

namespace genvid {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kFree = 256 * kMiB;

// What the process has mapped already.
uint64_t mapped() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

// In a process of its own, since the limit holds for good: 0 = there is room, 1 = there is not.
[[noreturn]] void ask_under_limit(uint64_t bytes) {
  const struct rlimit limit { mapped() + kFree, RLIM_INFINITY };
  if (::setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
  try {
    require_room(bytes);
  } catch (const Error& e) {
    _exit(e.kind() == ErrorKind::kMemory ? 1 : 3);
  }
  _exit(0);
}

TEST(RequireRoom, AsksForNothingWhereMemoryIsNotLimited) {
  struct rlimit limit {};
  int overcommit = 0;
  std::ifstream("/proc/sys/vm/overcommit_memory") >> overcommit;
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY || overcommit == 2) {
    GTEST_SKIP() << "memory is limited here";
  }
  EXPECT_NO_THROW(require_room(uint64_t{1} << 55));
}

TEST(RequireRoomDeathTest, TellsWhatFitsUnderALimit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(ask_under_limit(kFree / 2), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ask_under_limit(kFree), testing::ExitedWithCode(1), "");
  EXPECT_EXIT(ask_under_limit(uint64_t{1} << 55), testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace genvid
