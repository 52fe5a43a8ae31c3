#include "core/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>
#include <vector>

namespace genvid {
namespace {

TEST(Log, EscapesWhatCouldDriveATerminal) {
  EXPECT_EQ(log::printable("plain text, caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "plain text, caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(log::printable("\x1b[2J\n\x7f"), "\\x1B[2J\\x0A\\x7F");
  EXPECT_EQ(log::printable(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(log::printable("\xC2\x9B"
                           "31m"),
            "\\xC2\\x9B31m");
  EXPECT_EQ(log::printable("\xE2\x80\xAE"
                           "x"),
            "\\xE2\\x80\\xAEx");
  EXPECT_EQ(log::printable("\xFF\xC3"), "\\xFF\\xC3");
}

TEST(Log, WritesOneLinePerMessageToStderr) {
  ::testing::internal::CaptureStderr();
  log::set_level(log::Level::kWarn);
  log::info("hidden");
  log::warn("careful");
  log::error("broken\nline");
  log::set_level(log::Level::kInfo);
  log::info("shown");
  log::set_level(log::Level::kOff);
  log::error("hidden");
  log::set_level(log::Level::kWarn);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "warning: careful\nerror: broken\\x0Aline\ninfo: shown\n");
}

TEST(Log, KeepsLinesWholeAcrossThreads) {
  ::testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) log::warn(std::string(100, 'x'));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = ::testing::internal::GetCapturedStderr();
  const std::string line = "warning: " + std::string(100, 'x') + "\n";
  ASSERT_EQ(text.size(), 800 * line.size());
  for (size_t at = 0; at < text.size(); at += line.size()) {
    ASSERT_EQ(text.compare(at, line.size(), line), 0) << at;
  }
}

}  // namespace
}  // namespace genvid
