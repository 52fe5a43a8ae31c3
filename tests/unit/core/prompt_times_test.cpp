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
      prompt_time_line("5.00s", "a boat\nat sea", false) + prompt_time_line("0.25", " b ", true);
  EXPECT_EQ(lines, "5s a boat at sea\ncut 0.25s b\n");
  for (const char* time : {"a boat", "cut", "cut 5s", "5 s"}) {
    expect_error(ErrorKind::kUsage, "no time", [&] { prompt_time_line(time, "5s x", false); });
  }
  expect_error(ErrorKind::kUsage, "--cut-at", [] { prompt_time_line("x", "5s", true); });
}

TEST(PromptTimes, ACutIsAWordBeforeTheTime) {
  const auto times = parse_prompt_times(" cut\t5s  cut grass\n7s cut to a forest");
  EXPECT_EQ(times,
            (std::vector<TimedPrompt>{{5, "cut grass", true}, {7, "cut to a forest", false}}));
  EXPECT_EQ(prompt_times_text(times), "cut 5s cut grass\n7s cut to a forest\n");
  for (const char* text : {"cut", "cut x", "cut cut 5s x", "cuts 5s x", "Cut 5s x"}) {
    expect_error(ErrorKind::kUsage, "no time", [&] { parse_prompt_times(text); });
  }
  expect_error(ErrorKind::kUsage, "no prompt", [] { parse_prompt_times("cut 5s"); });
}

TEST(PromptTimes, TwoListsAreOneInOrderOfTime) {
  EXPECT_EQ(merge_prompt_times("2s b\n6s d", "cut 1s a\ncut 4s c\n"),
            "cut 1s a\n2s b\ncut 4s c\n6s d\n");
  EXPECT_EQ(merge_prompt_times("", "1s a"), "1s a\n");
  expect_error(ErrorKind::kUsage, "must grow",
               [] { parse_prompt_times(merge_prompt_times("1s a", "cut 1s b")); });
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
