// Each layer against its formula, written out in double.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/modulate.h"
#include "kernels/rope.h"
#include "nn/attention.h"
#include "nn/linear.h"
#include "nn/norm.h"
#include "nn/timestep_embedding.h"
#include "support/expect_error.h"
#include "support/weights.h"

namespace genvid {
namespace {

using test::TempDir;
using test::weights_of;

double max_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// The share of elements of `half` that are `exact` rounded once.
double rounded_once(const Tensor& half, const Tensor& exact) {
  const Tensor once = exact.to(half.scalar_type()).to(at::kDouble);
  return half.to(at::kDouble).eq(once).to(at::kDouble).mean().item<double>();
}

Tensor layer_norm(const Tensor& x, double eps) {
  const Tensor d = x.to(at::kDouble);
  const Tensor c = d - d.mean(-1, true);
  return c / (c.square().mean(-1, true) + eps).sqrt();
}

TEST(Linear, IsAMatrixProductWithABias) {
  const TempDir dir;
  const Tensor weight = at::randn({5, 3}), bias = at::randn({5}), x = at::randn({2, 4, 3});
  const WeightMap w = weights_of(dir, {{"fc.weight", weight}, {"fc.bias", bias}});
  const Linear with(w.scope("fc"), 3, 5);
  const Linear without(w.scope("fc"), 3, 5, false);
  const Tensor product = at::matmul(x.to(at::kDouble), weight.to(at::kDouble).t());
  EXPECT_LT(max_difference(with(x), product + bias), 1e-5);
  EXPECT_LT(max_difference(without(x), product), 1e-5);
  test::expect_error(ErrorKind::kModel, "expected [6, 3]", [&] { Linear(w.scope("fc"), 3, 6); });
}

TEST(RmsNorm, MatchesItsFormula) {
  const TempDir dir;
  const Tensor weight = at::randn({64}) * 0.2 + 1.0, x = at::randn({7, 64}) * 3;
  const RmsNorm norm(weights_of(dir, {{"n.weight", weight}}).scope("n"), 64, 1e-6);
  const Tensor d = x.to(at::kDouble);
  EXPECT_LT(max_difference(norm(x), d / (d.square().mean(-1, true) + 1e-6).sqrt() * weight), 2e-6);
}

TEST(RmsNorm, HalfPrecisionRoundsAfterTheWeight) {
  const TempDir dir;
  const Tensor weight = (at::randn({64}) * 0.2 + 1.0).to(at::kBFloat16);
  const Tensor x = (at::randn({70, 64}) * 3).to(at::kBFloat16);
  const WeightMap w = weights_of(dir, {{"n.weight", weight}}, {at::kBFloat16, {}});
  const Tensor got = RmsNorm(w.scope("n"), 64, 1e-6)(x);
  const Tensor d = x.to(at::kDouble);
  EXPECT_EQ(got.scalar_type(), at::kBFloat16);
  // Rounding twice would differ in about a quarter of the elements.
  EXPECT_GT(rounded_once(got, d / (d.square().mean(-1, true) + 1e-6).sqrt() * weight), 0.99);
}

TEST(LayerNorm, IsComputedInFp32) {
  const TempDir dir;
  const Tensor weight = at::randn({48}), bias = at::randn({48}), x = at::randn({50, 48}) * 4 + 2.0;
  const WeightMap w = weights_of(dir, {{"n.weight", weight}, {"n.bias", bias}});
  const LayerNorm norm(w.scope("n"), 48, 1e-5);
  const auto formula = [&](const Tensor& v) { return layer_norm(v, 1e-5) * weight + bias; };
  EXPECT_LT(max_difference(norm(x), formula(x)), 1e-5);
  const Tensor half = x.to(at::kBFloat16);
  EXPECT_EQ(norm(half).scalar_type(), at::kBFloat16);
  EXPECT_GT(rounded_once(norm(half), formula(half)), 0.99);
}

TEST(NormModulate, MatchesItsFormulaPerGroup) {
  const int64_t d = 32, tokens = 6;
  const Tensor x = at::randn({1, 4 * tokens, d}) * 2 + 1.0;
  const Tensor half = x.to(at::kBFloat16);
  for (const int64_t groups : {1, 4, 24}) {
    const Tensor scale = at::randn({1, groups, d}), shift = at::randn({1, groups, d});
    const int64_t each = x.size(1) / groups;
    const auto formula = [&](const Tensor& v) {
      return layer_norm(v, 1e-6) * (scale.repeat_interleave(each, 1) + 1.0) +
             shift.repeat_interleave(each, 1);
    };
    EXPECT_LT(max_difference(norm_modulate(x, scale, shift, 1e-6), formula(x)), 1e-5) << groups;
    const Tensor got = norm_modulate(half, scale, shift, 1e-6);
    EXPECT_EQ(got.scalar_type(), at::kBFloat16);
    EXPECT_GT(rounded_once(got, formula(half)), 0.99) << groups;
  }
}

TEST(GatedAdd, MatchesItsFormulaPerGroup) {
  const int64_t d = 16, tokens = 5;
  for (const int64_t groups : {1, 3}) {
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      const Tensor x = at::randn({1, 3 * tokens, d}).to(dtype);
      const Tensor y = at::randn({1, 3 * tokens, d}).to(dtype);
      const Tensor gate = at::randn({1, groups, d});
      const Tensor exact =
          x.to(at::kDouble) +
          y.to(at::kDouble) * gate.to(at::kDouble).repeat_interleave(x.size(1) / groups, 1);
      const Tensor got = gated_add(x.clone(), y, gate);
      EXPECT_EQ(got.scalar_type(), dtype);
      if (dtype == at::kFloat) {
        EXPECT_LT(max_difference(got, exact), 1e-6);
      } else {
        EXPECT_GT(rounded_once(got, exact), 0.99);
      }
    }
  }
}

TEST(Rope, RotatesInterleavedPairs) {
  const Tensor angles = rope_angles(6, 4);
  ASSERT_EQ(angles.sizes(), at::IntArrayRef({4, 3}));
  const Tensor cos = angles.cos().to(at::kFloat), sin = angles.sin().to(at::kFloat);
  const Tensor x = at::randn({1, 4, 2, 6});
  const Tensor y = apply_rope(x, cos, sin);
  for (int64_t p = 0; p < 4; ++p) {
    for (int64_t i = 0; i < 3; ++i) {
      const double angle = static_cast<double>(p) * std::pow(10000.0, -2.0 * i / 6.0);
      EXPECT_NEAR(angles[p][i].item<double>(), angle, 1e-12);
      for (int64_t n = 0; n < 2; ++n) {
        const double a = x[0][p][n][2 * i].item<double>();
        const double b = x[0][p][n][2 * i + 1].item<double>();
        EXPECT_NEAR(y[0][p][n][2 * i].item<double>(), a * std::cos(angle) - b * std::sin(angle),
                    1e-6);
        EXPECT_NEAR(y[0][p][n][2 * i + 1].item<double>(), a * std::sin(angle) + b * std::cos(angle),
                    1e-6);
      }
    }
  }
}

TEST(Rope, HalfPrecisionIsComputedInFp32) {
  const Tensor angles = rope_angles(8, 5);
  const Tensor cos = angles.cos().to(at::kFloat), sin = angles.sin().to(at::kFloat);
  const Tensor x = at::randn({1, 5, 3, 8}).to(at::kBFloat16);
  const Tensor y = apply_rope(x, cos, sin);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(y, apply_rope(x.to(at::kFloat), cos, sin).to(at::kBFloat16)));
}

TEST(Attention, IsSoftmaxOfScaledProducts) {
  const Tensor q = at::randn({1, 7, 3, 8});
  const Tensor k = at::randn({1, 9, 3, 8}), v = at::randn({1, 9, 3, 8});
  const auto heads = [](const Tensor& x) { return x.to(at::kDouble).transpose(1, 2); };
  const Tensor scores = at::matmul(heads(q), heads(k).transpose(-1, -2)) / std::sqrt(8.0);
  const Tensor expected = at::matmul(at::softmax(scores, -1), heads(v)).transpose(1, 2).flatten(2);
  const Tensor got = attention(q, k, v);
  EXPECT_LT(max_difference(got, expected), 1e-5);
  EXPECT_TRUE(got.is_contiguous());
}

TEST(TimestepEmbedding, IsCosinesThenSines) {
  const Tensor t = at::cat({at::ones({1}) * 999, at::ones({1}) * 0.5, at::ones({1}) * 0});
  const Tensor e = timestep_embedding(t, 8);
  ASSERT_EQ(e.sizes(), at::IntArrayRef({3, 8}));
  for (int64_t row = 0; row < 3; ++row) {
    for (int64_t i = 0; i < 4; ++i) {
      const double angle = t[row].item<double>() * std::pow(10000.0, -i / 4.0);
      EXPECT_NEAR(e[row][i].item<double>(), std::cos(angle), 1e-4);
      EXPECT_NEAR(e[row][4 + i].item<double>(), std::sin(angle), 1e-4);
    }
  }
}

}  // namespace
}  // namespace genvid
