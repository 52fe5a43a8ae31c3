#include "kernels/rows.h"

#include <bit>
#include <cmath>

#if defined(__x86_64__) && defined(__linux__)
#define GENVID_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define GENVID_CLONES
#endif

namespace genvid::rows {
namespace {

// As many partial sums as the widest registers hold, so that sums vectorise in a fixed order.
constexpr int64_t kLanes = 16;

[[gnu::always_inline]] inline float total(const float* lanes) {
  float sum = 0;
  for (int64_t j = 0; j < kLanes; ++j) sum += lanes[j];
  return sum;
}

[[gnu::always_inline]] inline float sum_of(const float* x, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  }
  float rest = 0;
  for (; i < n; ++i) rest += x[i];
  return total(lanes) + rest;
}

[[gnu::always_inline]] inline float squares_of(const float* x, float mean, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += (x[i + j] - mean) * (x[i + j] - mean);
  }
  float rest = 0;
  for (; i < n; ++i) rest += (x[i] - mean) * (x[i] - mean);
  return total(lanes) + rest;
}

}  // namespace

GENVID_CLONES void from_bf16(const uint16_t* in, float* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = std::bit_cast<float>(static_cast<uint32_t>(in[i]) << 16);
}

GENVID_CLONES void to_bf16(const float* in, uint16_t* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<uint32_t>(in[i]);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    out[i] = static_cast<uint16_t>(nan ? 0x7fc0u : rounded);
  }
}

GENVID_CLONES void norm_modulate(const float* x, const float* scale, const float* shift, float* out,
                                 int64_t n, float eps) {
  const float count = static_cast<float>(n);
  const float mean = sum_of(x, n) / count;
  const float inverse = 1.0f / std::sqrt(squares_of(x, mean, n) / count + eps);
  if (scale == nullptr) {
    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean) * inverse;
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    out[i] = (x[i] - mean) * inverse * (1.0f + scale[i]) + shift[i];
  }
}

GENVID_CLONES void gated_add(float* x, const float* y, const float* gate, int64_t n) {
  for (int64_t i = 0; i < n; ++i) x[i] += y[i] * gate[i];
}

GENVID_CLONES void rms_rope(float* x, int64_t heads, int64_t width, const float* cos,
                            const float* sin, std::span<const int64_t> split, float eps) {
  for (int64_t h = 0; h < heads; ++h, x += width) {
    const float scale =
        1.0f / std::sqrt(squares_of(x, 0.0f, width) / static_cast<float>(width) + eps);
    for (int64_t i = 0; i < width; ++i) x[i] *= scale;
    if (cos == nullptr) continue;
    float* a = x;
    const float *c = cos, *s = sin;
    for (const int64_t group : split) {
      const int64_t pairs = group / 2;
      for (int64_t i = 0; i < pairs; ++i) {
        const float first = a[i], second = a[i + pairs];
        a[i] = first * c[i] - second * s[i];
        a[i + pairs] = second * c[i] + first * s[i];
      }
      a += group;
      c += pairs;
      s += pairs;
    }
  }
}

}  // namespace genvid::rows
