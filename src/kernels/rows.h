// One row at a time on the CPU, in fp32, compiled for several instruction sets and chosen when the
// program starts. The fused kernels of this folder are loops of these over tokens.
#pragma once

#include <cstdint>
#include <span>

namespace genvid::rows {

void from_bf16(const uint16_t* in, float* out, int64_t n);
void to_bf16(const float* in, uint16_t* out, int64_t n);  // rounds to nearest, ties to even

// (x - mean) / sqrt(var + eps) * (1 + scale) + shift; scale and shift may be null.
void norm_modulate(const float* x, const float* scale, const float* shift, float* out, int64_t n,
                   float eps);
// x += y * gate
void gated_add(float* x, const float* y, const float* gate, int64_t n);
// In place on heads x width: each head over its root mean square, then turned (rms_rope.h); cos and
// sin [width / 2] may be null.
void rms_rope(float* x, int64_t heads, int64_t width, const float* cos, const float* sin,
              std::span<const int64_t> split, float eps);

}  // namespace genvid::rows
