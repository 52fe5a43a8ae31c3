#include "core/philox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace genvid {
namespace {

using Words4 = std::array<uint32_t, 4>;

// The known-answer vectors that Random123 publishes for philox4x32, 10 rounds.
TEST(Philox, MatchesRandom123) {
  EXPECT_EQ(philox4x32_10({0, 0, 0, 0}, {0, 0}),
            (Words4{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words4{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Words4{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

struct Vector {
  uint64_t seed;
  uint64_t stream;
  uint64_t first;
  std::array<uint32_t, 8> bits;
};

// From scripts/parity/philox_reference.py: correctly rounded from 50-digit decimals.
constexpr Vector kVectors[] = {
    {0u,
     0u,
     0u,
     {0x3F7DBB33, 0xBF6CB6B0, 0xBF1E1B9F, 0xBEF6D1B2, 0xBE1D5357, 0x3E392A6D, 0x3F54EC98,
      0x3E4A2DA3}},
    {42u,
     0u,
     0u,
     {0xBF785E5C, 0x3E46ACE8, 0xBF9E28D2, 0x3FF6433B, 0xBD95E030, 0x3E0E7A0F, 0xBF8DA733,
      0x3EA742FD}},
    {42u,
     1u,
     3u,
     {0xBFD472CA, 0x40015D4B, 0xBDDDA09E, 0x3EA52DFA, 0x40061DE4, 0x3FA166AE, 0x3F9D066B,
      0xBF2EF877}},
    {18446744073709551615u,
     18446744073709551615u,
     1099511627777u,
     {0xBE20A669, 0x3FA7EDCE, 0x3E2E7F7C, 0xBF1EADCD, 0xBF84A972, 0x3F901CE1, 0x3DD3E766,
      0x3F2CDC00}},
    {81985529216486895u,
     30064771072u,
     17179869182u,
     {0x3E02A75F, 0x3F75FC8F, 0xBE1DF61D, 0x3FB7CB1E, 0x3F92FDD0, 0xBE99F62A, 0x3E114F73,
      0x3F3507C5}},
};

std::vector<float> noise(uint64_t seed, uint64_t stream, uint64_t first, size_t count) {
  std::vector<float> out(count);
  normal_noise(seed, stream, first, out);
  return out;
}

TEST(NormalNoise, MatchesTheReferenceVectors) {
  for (const Vector& vector : kVectors) {
    const auto values = noise(vector.seed, vector.stream, vector.first, 8);
    for (size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(std::bit_cast<uint32_t>(values[i]), vector.bits[i])
          << "seed " << vector.seed << " element " << vector.first + i;
    }
  }
}

uint32_t crc32(const std::vector<float>& values) {
  uint32_t crc = 0xFFFFFFFF;
  const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
  for (size_t i = 0; i < values.size() * sizeof(float); ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320 & (0u - (crc & 1)));
  }
  return ~crc;
}

// 16 x 21 x 60 x 104 elements, a clip of 81 frames at 832 x 480; checksum from the same script.
TEST(NormalNoise, MatchesTheReferenceOverAWholeClip) {
  EXPECT_EQ(crc32(noise(42, 0, 0, 2'096'640)), 0x47EC24A5u);
}

TEST(NormalNoise, IsTheSameForEveryChunking) {
  const auto whole = noise(7, 3, 5, 1000);
  for (size_t chunk : {1u, 2u, 3u, 4u, 5u, 7u, 64u, 333u}) {
    std::vector<float> parts(whole.size());
    for (size_t at = 0; at < parts.size(); at += chunk) {
      normal_noise(7, 3, 5 + at, std::span(parts).subspan(at, std::min(chunk, parts.size() - at)));
    }
    EXPECT_EQ(parts, whole) << chunk;
  }
  normal_noise(7, 3, 5, {});
}

TEST(NormalNoise, DiffersBySeedStreamAndElement) {
  const auto base = noise(1, 1, 0, 64);
  EXPECT_NE(noise(2, 1, 0, 64), base);
  EXPECT_NE(noise(uint64_t{1} << 32, 1, 0, 64), base);
  EXPECT_NE(noise(1, 2, 0, 64), base);
  EXPECT_NE(noise(1, uint64_t{1} << 32, 0, 64), base);
  EXPECT_NE(noise(1, 1, 64, 64), base);
  EXPECT_NE(noise(1, 1, uint64_t{1} << 34, 64), base);
}

TEST(NormalNoise, IsStandardNormal) {
  auto values = noise(123, 0, 0, 1 << 20);
  const auto n = static_cast<double>(values.size());
  double sum = 0, sum2 = 0, sum4 = 0;
  for (const float v : values) {
    sum += v;
    sum2 += double{v} * v;
    sum4 += double{v} * v * v * v;
  }
  EXPECT_NEAR(sum / n, 0.0, 5e-3);
  EXPECT_NEAR(sum2 / n, 1.0, 1e-2);
  EXPECT_NEAR(sum4 / n, 3.0, 5e-2);
  // Kolmogorov-Smirnov at the 0.1% level.
  std::sort(values.begin(), values.end());
  double worst = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double cdf = 0.5 * std::erfc(-values[i] / std::sqrt(2.0));
    worst = std::max(worst, std::abs(cdf - static_cast<double>(i) / n));
  }
  EXPECT_LT(worst * std::sqrt(n), 1.95);
}

}  // namespace
}  // namespace genvid
