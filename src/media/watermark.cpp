#include "media/watermark.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "media/watermark_pattern.h"

namespace genvid::media {
namespace {

constexpr int kBlock = WatermarkPattern::kBlock;

// Of the coefficient, in levels of 255. 10.4 is 45.8 dB below white, what a clip of genvid-tiny's
// size and ten seconds needs; encoders drop what is much weaker than six. More chips need less.
float base_amplitude(size_t blocks, int64_t frames) {
  constexpr double kNeed = 640.0 * 120;  // blocks of 256 x 160, frames of ten seconds
  const double have =
      static_cast<double>(blocks) * static_cast<double>(std::max<int64_t>(frames, 1));
  constexpr double kLow = 7.0, kHigh = 10.4;
  return static_cast<float>(std::clamp(10.4 * std::pow(kNeed / have, 0.12), kLow, kHigh));
}

// How much goes on in a block: the mean step between neighbours in green, in levels.
float activity(const float* g, ptrdiff_t stride) {
  std::array<float, kBlock> sums{};
  for (int y = 0; y < kBlock - 1; ++y, g += stride) {
    for (int x = 0; x < kBlock; ++x) {
      sums[static_cast<size_t>(x)] += std::fabs(g[x] - g[x + stride]);
    }
    for (int x = 0; x < kBlock - 1; ++x) sums[static_cast<size_t>(x)] += std::fabs(g[x + 1] - g[x]);
  }
  float sum = 0;
  for (const float s : sums) sum += s;
  return sum * (255.0f / (kBlock * (kBlock - 1) + (kBlock - 1) * (kBlock - 1)));
}

// Smooth ground shows more and needs less: from 0.9 there to 1.04 where much goes on.
float by_content(float activity_levels) {
  return std::clamp(0.9f + 0.04f * activity_levels, 0.9f, 1.04f);
}

}  // namespace

struct WatermarkEmbedder::State {
  State(const Watermark& mark, Size s, int64_t frames)
      : size(s),
        pattern(s, mark.key),
        coded(encode_payload(mark.payload)),
        amplitude(base_amplitude(pattern.blocks(), frames) / 255) {
    for (size_t y = 0; y < kBlock; ++y) {
      for (size_t x = 0; x < kBlock; ++x) {
        basis[y * kBlock + x] = kWatermarkWave[y] * kWatermarkWave[x];
      }
    }
  }

  float sign(size_t block) const {
    const WatermarkPattern::Chip& chip = pattern.chip(block, pattern.turn(block, frame));
    const bool one = chip.slot >= kCodedBits || coded[chip.slot] != 0;  // pilots are ones
    return one ? chip.sign : static_cast<float>(-chip.sign);
  }

  Size size;
  WatermarkPattern pattern;
  std::array<uint8_t, kCodedBits> coded;
  float amplitude;
  std::array<float, kBlock * kBlock> basis{};
  int64_t frame = 0;
};

WatermarkEmbedder::WatermarkEmbedder(const Watermark& mark, Size size, int64_t frames)
    : state_(std::make_unique<State>(mark, size, frames)) {}

WatermarkEmbedder::~WatermarkEmbedder() = default;

void WatermarkEmbedder::embed(float* g, float* b, float* r) {
  State& s = *state_;
  const ptrdiff_t stride = s.size.width;
  size_t block = 0;
  for (int row = 0; row < s.pattern.rows(); ++row) {
    for (int column = 0; column < s.pattern.columns(); ++column, ++block) {
      const ptrdiff_t at = (row * stride + column) * kBlock;
      const float scale = s.sign(block) * s.amplitude * by_content(activity(g + at, stride));
      for (int y = 0; y < kBlock; ++y) {
        const float* wave = s.basis.data() + y * kBlock;
        for (float* plane : {g, b, r}) {
          float* line = plane + at + y * stride;
          for (int x = 0; x < kBlock; ++x) line[x] += scale * wave[x];
        }
      }
    }
  }
  ++s.frame;
}

bool watermark_fits(Size size, int64_t frames) {
  constexpr int64_t kChips = 5000;
  const int64_t blocks = int64_t{size.width / kBlock} * (size.height / kBlock);
  return blocks * (frames / WatermarkPattern::kHold) >= kChips;
}

}  // namespace genvid::media
