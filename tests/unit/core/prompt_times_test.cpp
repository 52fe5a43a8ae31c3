#include "core/prompt_times.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace genvid {
namespace {

using test::expect_error;

TEST(PromptTimes, OneALine) {
  const auto times = parse_prompt_times("5s a boat at sea\n\n  7.5 night falls \r\n10s x");
  EXPECT_EQ(times,
            (std::vector<TimedPrompt>{{5, "a boat at sea"}, {7.5, "night falls"}, {10, "x"}}));
  EXPECT_TRUE(parse_prompt_times("").empty());
  EXPECT_TRUE(parse_prompt_times(" \n\t\n").empty());
}

TEST(PromptTimes, WhatTheCommandLineGivesComesBack) {
  const std::string lines =
      prompt_time_line("5.00s", "a boat\nat sea") + prompt_time_line("0.25", " b ");
  EXPECT_EQ(lines, "5s a boat at sea\n0.25s b\n");
  expect_error(ErrorKind::kUsage, "no time", [] { prompt_time_line("a boat", "5s"); });
}

TEST(PromptTimes, Refused) {
  for (const char* text : {"0s x", "0.0009s x", "-1s x", "s x", "five x", "nan x", "inf x",
                           "1e9s x", "1e1s x", "+5s x", "5.s x", "1.2.3s x", "5ss x"}) {
    expect_error(ErrorKind::kUsage, "no time", [&] { parse_prompt_times(text); });
  }
  expect_error(ErrorKind::kUsage, "no prompt", [] { parse_prompt_times("5s"); });
  expect_error(ErrorKind::kUsage, "must grow", [] { parse_prompt_times("5s a\n5s b"); });
  std::string many;
  for (int i = 1; i <= 101; ++i) many += std::to_string(i) + "s x\n";
  expect_error(ErrorKind::kUsage, "100", [&] { parse_prompt_times(many); });
}

}  // namespace
}  // namespace genvid
