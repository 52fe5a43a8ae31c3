#include "media/watermark.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "media/watermark_pattern.h"

namespace genvid::media {
namespace {

constexpr int kBlock = WatermarkPattern::kBlock;

// Heights of the coefficient in levels of 255, enough for a clip of genvid-tiny's size and ten
// seconds. Smooth ground shows much and keeps little, so texture carries the mark: the less of it
// there is, the more each bit of it. Texture all over needs no more than is 45.1 dB below white.
constexpr float kTexturedAll = 11.2f, kTextured = 16.0f;
constexpr float kSmooth = 2.5f, kSmoothAlone = 4.0f;

// More chips need less; encoders drop what is much weaker.
float by_length(size_t blocks, int64_t frames) {
  constexpr double kNeed = 640.0 * 120;  // blocks of 256 x 160, frames of ten seconds
  const double have =
      static_cast<double>(blocks) * static_cast<double>(std::max<int64_t>(frames, 1));
  return static_cast<float>(std::clamp(std::pow(kNeed / have, 0.12), 0.67, 1.0));
}

// How much goes on in a block beside a slope: the deviation of green from the plane that fits it
// best, in levels, from 0 at what rounding to 8 bits makes to 1.
float texture(const float* g, ptrdiff_t stride) {
  std::array<float, kBlock> sums{}, squares{}, down{};
  for (int y = 0; y < kBlock; ++y, g += stride) {
    const float at = static_cast<float>(y) - 3.5f;
    for (size_t x = 0; x < kBlock; ++x) {
      const float v = g[x] - 0.5f;  // small numbers round less
      sums[x] += v;
      squares[x] += v * v;
      down[x] += at * v;
    }
  }
  float sum = 0, square = 0, slope_x = 0, slope_y = 0;
  for (size_t x = 0; x < kBlock; ++x) {
    sum += sums[x];
    square += squares[x];
    slope_x += (static_cast<float>(x) - 3.5f) * sums[x];
    slope_y += down[x];
  }
  constexpr float kCount = kBlock * kBlock, kSpread = 42.0f * kBlock;  // of x or y in a block
  const float rest =
      square - sum * sum / kCount - (slope_x * slope_x + slope_y * slope_y) / kSpread;
  const float levels = 255 * std::sqrt(std::max(0.0f, rest / kCount));
  constexpr float kRounding = 0.4f, kMuch = 5.6f;
  return std::clamp((levels - kRounding) / (kMuch - kRounding), 0.0f, 1.0f);
}

}  // namespace

struct WatermarkEmbedder::State {
  State(const Watermark& mark, const FrameSpec& clip)
      : size{clip.width, clip.height},
        pattern(size, mark.key),
        coded(encode_payload(mark.payload)),
        amplitude(by_length(pattern.blocks(), clip.frames) / 255),
        loop(clip.loops && clip.frames > WatermarkPattern::kHold ? clip.frames : 0),
        textures(pattern.blocks()) {
    for (size_t y = 0; y < kBlock; ++y) {
      for (size_t x = 0; x < kBlock; ++x) {
        basis[y * kBlock + x] = kWatermarkWave[y] * kWatermarkWave[x];
      }
    }
  }

  // At a loop's end the blocks go over to what they show at its start, each when it would change.
  int turn(size_t block) const {
    constexpr int kHold = WatermarkPattern::kHold;
    const int64_t left = loop - frame;
    if (left < 1 || left > kHold) return pattern.turn(block, frame);
    const int64_t at = WatermarkPattern::kPeriod - left;
    const bool changed =
        pattern.turn(block, at) == pattern.turn(block, WatermarkPattern::kPeriod - 1);
    return pattern.turn(block, changed ? at : loop - kHold - 1);
  }

  float sign(size_t block) const {
    const WatermarkPattern::Chip& chip = pattern.chip(block, turn(block));
    const bool one = chip.slot >= kCodedBits || coded[chip.slot] != 0;  // pilots are ones
    return one ? chip.sign : static_cast<float>(-chip.sign);
  }

  struct Heights {
    float smooth, textured;
  };

  // They follow the picture slowly: a jump would show.
  Heights heights(const float* g) {
    const ptrdiff_t stride = size.width;
    float sum = 0;
    size_t block = 0;
    for (int row = 0; row < pattern.rows(); ++row) {
      for (int column = 0; column < pattern.columns(); ++column, ++block) {
        textures[block] = texture(g + (row * stride + column) * kBlock, stride);
        sum += textures[block];
      }
    }
    const float now = sum / static_cast<float>(std::max<size_t>(textures.size(), 1));
    textured = frame == 0 ? now : 0.9f * textured + 0.1f * now;
    const auto between = [this](float from, float to, float low, float high) {
      return from + (to - from) * std::clamp((textured - low) / (high - low), 0.0f, 1.0f);
    };
    return {between(kSmoothAlone, kSmooth, 0.0f, 0.1f),
            between(kTextured, kTexturedAll, 0.2f, 0.7f)};
  }

  Size size;
  WatermarkPattern pattern;
  std::array<uint8_t, kCodedBits> coded;
  float amplitude;
  int64_t loop;                 // its frames; 0 where the clip ends
  std::vector<float> textures;  // of this frame's blocks, 0..1
  float textured = 0;           // their mean of late
  std::array<float, kBlock * kBlock> basis{};
  int64_t frame = 0;
};

WatermarkEmbedder::WatermarkEmbedder(const Watermark& mark, const FrameSpec& clip)
    : state_(std::make_unique<State>(mark, clip)) {}

WatermarkEmbedder::~WatermarkEmbedder() = default;

void WatermarkEmbedder::embed(float* g, float* b, float* r) {
  State& s = *state_;
  const ptrdiff_t stride = s.size.width;
  const State::Heights heights = s.heights(g);
  size_t block = 0;
  for (int row = 0; row < s.pattern.rows(); ++row) {
    for (int column = 0; column < s.pattern.columns(); ++column, ++block) {
      const ptrdiff_t at = (row * stride + column) * kBlock;
      const float height = heights.smooth + (heights.textured - heights.smooth) * s.textures[block];
      const float scale = s.sign(block) * s.amplitude * height;
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
