#include "core/failpoint.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"

namespace genvid {
namespace {

TEST(FailPlan, ActsOnTheNthHit) {
  FailPlan plan("a:oom@2;b:nan;c:exit139@3+;;");
  EXPECT_EQ(plan.hit("a"), "");
  EXPECT_EQ(plan.hit("a"), "oom");
  EXPECT_EQ(plan.hit("a"), "");
  EXPECT_EQ(plan.hit("b"), "nan");
  EXPECT_EQ(plan.hit("b"), "nan");
  EXPECT_EQ(plan.hit("c"), "");
  EXPECT_EQ(plan.hit("c"), "");
  EXPECT_EQ(plan.hit("c"), "exit139");
  EXPECT_EQ(plan.hit("c"), "exit139");
  EXPECT_EQ(plan.hit("other"), "");
  EXPECT_EQ(FailPlan("").hit("a"), "");
}

TEST(FailPlan, OnePointCanActTwice) {
  FailPlan plan("a:oom@1;a:nan@2");
  EXPECT_EQ(plan.hit("a"), "oom");
  EXPECT_EQ(plan.hit("a"), "nan");
  EXPECT_EQ(plan.hit("a"), "");
}

TEST(FailPlan, RefusesWhatItCannotRead) {
  for (const char* text : {"a", ":oom", "a:", "a:oom@", "a:oom@0", "a:oom@x", "a:oom@-1",
                           "a:oom@2x", "a:@1", "a:oom@99999999999999999999"}) {
    test::expect_error(ErrorKind::kUsage, "GENVID_FAIL", [&] { FailPlan plan(text); });
  }
}

TEST(Failpoint, IsNothingUnlessBuiltIn) {
#ifndef GENVID_FAILPOINTS
  static_assert(failpoint("output.write").empty());
#endif
  EXPECT_TRUE(failpoint("no.such.point").empty());
}

}  // namespace
}  // namespace genvid
