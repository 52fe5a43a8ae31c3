#include "nn/channel_rms_norm.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

// The loops are plain C++ that the compiler vectorises; each ISA gets its own clone.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define GENVID_ISA_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define GENVID_ISA_CLONES
#endif

namespace genvid {
namespace {

constexpr float kEps = 1e-12f;
constexpr int64_t kLanes = 16;
constexpr int64_t kBlockValues = 8192;  // stays in the first-level cache between the passes

inline float load(float v) { return v; }
inline float load(uint16_t v) { return std::bit_cast<float>(static_cast<uint32_t>(v) << 16); }
inline void store(float* p, float v) { *p = v; }
// Round to nearest even; NaN stays NaN.
inline void store(uint16_t* p, float v) {
  const uint32_t bits = std::bit_cast<uint32_t>(v);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  *p = static_cast<uint16_t>(nan ? 0x7fc0u : rounded);
}

// e^x within 2 ulp (Cephes' polynomial); no branches, so that it vectorises.
inline float vector_exp(float x) {
  x = x > 88.0f ? 88.0f : x;
  x = x < -87.0f ? -87.0f : x;
  const float shifted = x * 1.44269504f + 12582912.0f;  // the integer lands in the low bits
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const uint32_t bits = (std::bit_cast<uint32_t>(shifted) - 0x4b400000u + 127u) << 23;
  return p * std::bit_cast<float>(bits);
}

template <typename T>
inline __attribute__((always_inline)) void normalize_pixel(const T* x, const float* gamma,
                                                           float scale, int64_t channels,
                                                           float* y) {
  float lanes[kLanes] = {};
  const int64_t whole = channels - channels % kLanes;
  for (int64_t c = 0; c < whole; c += kLanes) {
    for (int64_t i = 0; i < kLanes; ++i) {
      const float v = load(x[c + i]);
      lanes[i] += v * v;
    }
  }
  float sum = 0;
  for (int64_t i = 0; i < kLanes; ++i) sum += lanes[i];
  for (int64_t c = whole; c < channels; ++c) {
    const float v = load(x[c]);
    sum += v * v;
  }
  const float root = std::sqrt(sum);
  const float norm = root < kEps ? kEps : root;
  for (int64_t c = 0; c < channels; ++c) y[c] = load(x[c]) / norm * scale * gamma[c];
}

template <typename T>
inline __attribute__((always_inline)) void run_rows(const T* x, T* out, const float* gamma,
                                                    int64_t channels, int64_t pixels, bool silu) {
  const float scale = std::sqrt(static_cast<float>(channels));
  const int64_t block = std::max<int64_t>(1, kBlockValues / channels);
  std::vector<float> buffer(static_cast<size_t>(block * channels));
  float* y = buffer.data();
  for (int64_t begin = 0; begin < pixels; begin += block) {
    const int64_t rows = std::min(block, pixels - begin);
    const int64_t values = rows * channels;
    for (int64_t i = 0; i < rows; ++i) {
      normalize_pixel(x + (begin + i) * channels, gamma, scale, channels, y + i * channels);
    }
    T* to = out + begin * channels;
    if (silu) {
      for (int64_t i = 0; i < values; ++i) y[i] = y[i] / (1.0f + vector_exp(-y[i]));
    }
    for (int64_t i = 0; i < values; ++i) store(to + i, y[i]);
  }
}

}  // namespace

// Not in the unnamed namespace: the resolver of the clones needs a linkable name.
namespace channel_rms_norm_detail {

GENVID_ISA_CLONES void run_f32(const float* x, float* out, const float* gamma, int64_t channels,
                               int64_t pixels, bool silu) {
  run_rows(x, out, gamma, channels, pixels, silu);
}

GENVID_ISA_CLONES void run_bf16(const uint16_t* x, uint16_t* out, const float* gamma,
                                int64_t channels, int64_t pixels, bool silu) {
  run_rows(x, out, gamma, channels, pixels, silu);
}

}  // namespace channel_rms_norm_detail

ChannelRmsNorm::ChannelRmsNorm(const WeightMap& w, int64_t channels, int64_t unit_dims) {
  std::vector<int64_t> shape(static_cast<size_t>(1 + unit_dims), 1);
  shape[0] = channels;
  gamma = w.get("gamma", shape);
}

Tensor ChannelRmsNorm::reference(const Tensor& x) const {
  const Tensor wide = x.to(at::kFloat);
  const Tensor norm =
      at::linalg_vector_norm(wide, 2, at::IntArrayRef{-1}, /*keepdim=*/true).clamp_min(kEps);
  const double scale = std::sqrt(static_cast<double>(gamma.numel()));
  return wide.div(norm).to(x.scalar_type()).mul(scale).mul(gamma.flatten());
}

void ChannelRmsNorm::apply(const Tensor& x, const Tensor& out, bool silu) const {
  const bool fp32 = x.scalar_type() == at::kFloat;
  const bool bf16 = x.scalar_type() == at::kBFloat16;
  if (!x.device().is_cpu() || !(fp32 || bf16) || !x.is_contiguous() || !out.is_contiguous()) {
    out.copy_(silu ? at::silu(reference(x)) : reference(x));
    return;
  }
  const int64_t channels = gamma.numel();
  const int64_t pixels = x.numel() / channels;
  const Tensor wide_gamma = gamma.to(at::kFloat).flatten();
  const float* g = wide_gamma.const_data_ptr<float>();
  const void* from = x.const_data_ptr();
  void* to = out.mutable_data_ptr();
  const int64_t grain = std::max<int64_t>(1, 4 * kBlockValues / channels);
  at::parallel_for(0, pixels, grain, [&](int64_t begin, int64_t end) {
    const int64_t at = begin * channels;
    namespace d = channel_rms_norm_detail;
    if (fp32) {
      d::run_f32(static_cast<const float*>(from) + at, static_cast<float*>(to) + at, g, channels,
                 end - begin, silu);
    } else {
      d::run_bf16(static_cast<const uint16_t*>(from) + at, static_cast<uint16_t*>(to) + at, g,
                  channels, end - begin, silu);
    }
  });
}

Tensor ChannelRmsNorm::operator()(const Tensor& x) const {
  Tensor out = at::empty_like(x);
  apply(x, out, /*silu=*/false);
  return out;
}

void ChannelRmsNorm::silu_into(const Tensor& x, const Tensor& out) const {
  apply(x, out, /*silu=*/true);
}

}  // namespace genvid
