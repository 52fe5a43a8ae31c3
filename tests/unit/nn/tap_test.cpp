#include "tensor/tap.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <map>

namespace genvid {
namespace {

TEST(Tap, NamesAreScopedAndValuesAreCopies) {
  std::map<std::string, Tensor> seen;
  EXPECT_FALSE(tap_enabled());
  tap("nobody", at::ones({1}));
  set_tap_sink([&seen](const std::string& name, const Tensor& value) { seen[name] = value; });
  EXPECT_TRUE(tap_enabled());
  Tensor x = at::ones({2});
  {
    const TapScope outer("dit0");
    const TapScope inner("block1");
    tap("attn1", x);
  }
  tap("after", x);
  x.zero_();
  set_tap_sink({});
  tap("late", x);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_TRUE(at::equal(seen.at("dit0.block1.attn1"), at::ones({2})));
  EXPECT_TRUE(at::equal(seen.at("after"), at::ones({2})));
}

}  // namespace
}  // namespace genvid
