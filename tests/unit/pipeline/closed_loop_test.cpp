#include "pipeline/closed_loop.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

namespace genvid {
namespace {

double step(const Tensor& x, int64_t from, int64_t to) {
  return (x.select(2, to) - x.select(2, from)).norm().item<double>();
}

TEST(ClosedLoop, WhatDriftedComesBackBeforeTheEnd) {
  Tensor x = at::zeros({1, 2, 20, 3, 4});
  for (int64_t t = 0; t < 20; ++t) x.select(2, t).fill_(0.1 * static_cast<double>(t));
  const Tensor out = closed_loop(x);
  EXPECT_TRUE(at::equal(out.narrow(2, 0, 10), x.narrow(2, 0, 10)));
  // The usual step is left, and of the excess no more than one share.
  EXPECT_LT(step(out, 19, 0), 2.8 * step(x, 0, 1));
  EXPECT_GT(step(x, 19, 0), 18 * step(x, 0, 1));
  for (int64_t t = 10; t + 1 < 20; ++t) EXPECT_LT(step(out, t, t + 1), step(x, 0, 1)) << t;
}

TEST(ClosedLoop, ALoopThatClosesStaysAsItIs) {
  Tensor x = at::zeros({1, 2, 16, 1, 1});
  for (int64_t t = 0; t < 16; ++t) {
    const double turn = 6.283185307179586 * static_cast<double>(t) / 16;
    x.select(2, t).select(1, 0).fill_(std::cos(turn));
    x.select(2, t).select(1, 1).fill_(std::sin(turn));
  }
  EXPECT_TRUE(at::allclose(closed_loop(x), x, 0, 1e-5));
  const Tensor few = at::randn({1, 2, 3, 2, 2});
  EXPECT_TRUE(at::equal(closed_loop(few), few));
}

// Rain looks like noise: nothing of it is carried from the start to the end.
TEST(ClosedLoop, NoiseIsHardlyTouched) {
  const Tensor x = at::randn({1, 64, 24, 10, 16});
  EXPECT_LT((closed_loop(x) - x).norm().item<double>(), 0.05 * x.norm().item<double>());
}

}  // namespace
}  // namespace genvid
