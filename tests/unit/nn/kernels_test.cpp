// The fused kernels against their specification in plain tensor operations, and that against the
// formula.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/modulate.h"
#include "kernels/rms_rope.h"

namespace genvid {
namespace {

double difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  EXPECT_EQ(a.scalar_type(), b.scalar_type());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// One unit in the last place at values of 4, where a sum's order may decide the rounding.
double gate(at::ScalarType dtype) { return dtype == at::kFloat ? 2e-6 : 0.0313; }

TEST(RmsRope, TurnsEveryGroupByItself) {
  const std::vector<int64_t> split{4, 6, 2};
  const Tensor x = at::randn({1, 5, 3, 12});
  const Tensor angle = at::randn({5, 6});
  const Tensor got = rms_rope_plain(x, angle.cos(), angle.sin(), split, 1e-6);
  const float* in = x.const_data_ptr<float>();
  const float* out = got.const_data_ptr<float>();
  for (int64_t row = 0; row < 15; ++row, in += 12, out += 12) {
    double square = 0;
    for (int i = 0; i < 12; ++i) square += in[i] * in[i];
    const double scale = 1 / std::sqrt(square / 12 + 1e-6);
    int64_t at = 0, pair = 0;
    for (const int64_t width : split) {
      for (int64_t i = 0; i < width / 2; ++i, ++pair) {
        const double a = in[at + i] * scale, b = in[at + i + width / 2] * scale;
        const double t = angle[row / 3][pair].item<double>();
        EXPECT_NEAR(out[at + i], a * std::cos(t) - b * std::sin(t), 1e-5);
        EXPECT_NEAR(out[at + i + width / 2], b * std::cos(t) + a * std::sin(t), 1e-5);
      }
      at += width;
    }
  }
}

TEST(RmsRope, FusedEqualsPlain) {
  const std::vector<int64_t> split{16, 24, 24};
  const Tensor angle = at::randn({70, 32});
  const Tensor cos = angle.cos(), sin = angle.sin();
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    // A third of a projection, as attention gets it.
    const Tensor x = at::randn({2, 70, 3, 2, 64}).to(dtype).select(2, 1);
    EXPECT_LE(
        difference(rms_rope(x, cos, sin, split, 1e-6), rms_rope_plain(x, cos, sin, split, 1e-6)),
        gate(dtype));
    EXPECT_LE(difference(rms_rope(x, {}, {}, {}, 1e-6), rms_rope_plain(x, {}, {}, {}, 1e-6)),
              gate(dtype));
    // Heads apart in memory take the plain way.
    const Tensor apart = at::randn({2, 2, 70, 64}).to(dtype).transpose(1, 2);
    EXPECT_EQ(difference(rms_rope(apart, cos, sin, split, 1e-6),
                         rms_rope_plain(apart, cos, sin, split, 1e-6)),
              0.0);
  }
}

TEST(Modulate, FusedEqualsPlain) {
  for (const int64_t d : {48, 67}) {
    const Tensor all = at::randn({2, 4, 3 * d});
    const Tensor scale = all.narrow(2, 0, d), shift = all.narrow(2, d, d),
                 gates = all.narrow(2, 2 * d, d);
    for (const auto dtype : {at::kFloat, at::kBFloat16}) {
      const Tensor x = (at::randn({2, 20, d}) * 2 + 1).to(dtype);
      for (const auto to : {at::kFloat, at::kBFloat16}) {
        EXPECT_LE(difference(norm_modulate(x, scale, shift, 1e-6, to),
                             norm_modulate_plain(x, scale, shift, 1e-6, to)),
                  to == at::kFloat ? 1e-5 : 0.0626);
        EXPECT_LE(difference(norm_modulate(x, {}, {}, 1e-6, to),
                             norm_modulate_plain(x, {}, {}, 1e-6, to)),
                  to == at::kFloat ? 1e-5 : 0.0157);
      }
      const Tensor sum = at::randn({2, 20, d});
      EXPECT_LE(
          difference(gated_add(sum.clone(), x, gates), gated_add_plain(sum.clone(), x, gates)),
          2e-6);
    }
  }
}

}  // namespace
}  // namespace genvid
