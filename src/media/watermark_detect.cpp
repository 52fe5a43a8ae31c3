// WatermarkDetector: sums coefficients while frames come, then asks how well they agree with the
// key's signs.
//
// The test of the pilots is exact whatever the picture: with the picture given, each chip's sign is
// an independent toss of a coin, so a sum of +-y reaches z standard deviations with a chance of at
// most exp(-z^2 / 2) (Hoeffding). Every place to start that is tried counts as another toss.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "media/watermark.h"
#include "media/watermark_pattern.h"

namespace genvid::media {
namespace {

constexpr int kBlock = WatermarkPattern::kBlock;
constexpr int kPeriod = WatermarkPattern::kPeriod;
constexpr int kSigns = WatermarkPattern::kSigns;
constexpr double kFoundLog10 = -9;

// The coefficient (2, 2) of a block.
float coefficient(const float* luma, ptrdiff_t stride) {
  std::array<float, kBlock> columns{};
  for (size_t y = 0; y < kBlock; ++y, luma += stride) {
    for (size_t x = 0; x < kBlock; ++x) columns[x] += kWatermarkWave[y] * luma[x];
  }
  float sum = 0;
  for (size_t x = 0; x < kBlock; ++x) sum += kWatermarkWave[x] * columns[x];
  return sum;
}

}  // namespace

struct WatermarkDetector::State {
  State(Size s, std::string_view key)
      : size(s),
        pattern(s, key),
        sums(static_cast<size_t>(kPeriod) * pattern.blocks()),
        frames_at(kPeriod) {}

  struct Outcome {
    double z = 0;
    std::array<float, kCodedBits> soft{};
  };
  Outcome correlate(int start) const;
  // Adds up the frames of each chip when the clip starts at this place of the period.
  void gather(int start, std::vector<float>& chips, std::vector<int>& frames) const;

  Size size;
  WatermarkPattern pattern;
  int64_t frame = 0;
  std::vector<float> sums;  // [place in the period][block]
  std::vector<int> frames_at;
};

WatermarkDetector::WatermarkDetector(Size size, std::string_view key)
    : state_(std::make_unique<State>(size, key)) {}

WatermarkDetector::~WatermarkDetector() = default;

void WatermarkDetector::add(const float* luma) {
  State& s = *state_;
  const size_t blocks = s.pattern.blocks(), place = static_cast<size_t>(s.frame++ % kPeriod);
  ++s.frames_at[place];
  const int columns = s.pattern.columns(), rows = s.pattern.rows();
  const ptrdiff_t stride = s.size.width;
  std::vector<float> found(blocks);
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      found[static_cast<size_t>(row * columns + column)] =
          coefficient(luma + (row * stride + column) * kBlock, stride);
    }
  }
  // Less what the four neighbours have: a slope over the picture is not ours.
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const auto at = [&](int r, int c) {
        return found[static_cast<size_t>(std::clamp(r, 0, rows - 1) * columns +
                                         std::clamp(c, 0, columns - 1))];
      };
      const float around =
          at(row - 1, column) + at(row + 1, column) + at(row, column - 1) + at(row, column + 1);
      s.sums[place * blocks + static_cast<size_t>(row * columns + column)] +=
          at(row, column) - 0.25f * around;
    }
  }
}

void WatermarkDetector::State::gather(int start, std::vector<float>& chips,
                                      std::vector<int>& frames) const {
  const size_t blocks = pattern.blocks();
  chips.assign(blocks * kSigns, 0.0f);
  frames.assign(blocks * kSigns, 0);
  for (int place = 0; place < kPeriod; ++place) {
    const int count = frames_at[static_cast<size_t>(place)];
    if (count == 0) continue;
    const float* from = sums.data() + static_cast<size_t>(place) * blocks;
    for (size_t block = 0; block < blocks; ++block) {
      const size_t chip = static_cast<size_t>(pattern.turn(block, place + start)) * blocks + block;
      chips[chip] += from[block];
      frames[chip] += count;
    }
  }
}

WatermarkDetector::State::Outcome WatermarkDetector::State::correlate(int start) const {
  std::vector<float> chips;
  std::vector<int> frames;
  gather(start, chips, frames);
  const int columns = pattern.columns(), rows = pattern.rows();
  constexpr float kFloor = 2.25f;  // a quarter of the mark's own height, a frame
  Outcome outcome;
  double sum = 0, squares = 0;
  for (int turn = 0; turn < kSigns; ++turn) {
    const float* values = chips.data() + static_cast<size_t>(turn) * pattern.blocks();
    for (int row = 0; row < rows; ++row) {
      for (int column = 0; column < columns; ++column) {
        const size_t block = static_cast<size_t>(row * columns + column);
        const int count = frames[static_cast<size_t>(turn) * pattern.blocks() + block];
        if (count == 0) continue;
        // How much such coefficients vary around here, this block left out: the sign of what it
        // holds must not weigh on itself.
        float around = 0;
        int neighbours = 0;
        for (int r = std::max(0, row - 1); r <= std::min(rows - 1, row + 1); ++r) {
          for (int c = std::max(0, column - 1); c <= std::min(columns - 1, column + 1); ++c) {
            if (r == row && c == column) continue;
            const float v = values[r * columns + c];
            around += v * v;
            ++neighbours;
          }
        }
        const float least = kFloor * static_cast<float>(count);
        const float variance =
            least * least + (neighbours > 0 ? around / static_cast<float>(neighbours) : 0);
        const float limit = 2 * std::sqrt(variance);
        const WatermarkPattern::Chip& chip = pattern.chip(block, turn);
        const float y = std::clamp(values[block], -limit, limit) / variance * chip.sign *
                        static_cast<float>(count);
        if (chip.slot < kCodedBits) {
          outcome.soft[chip.slot] += y;
        } else {
          sum += y;
          squares += static_cast<double>(y) * y;
        }
      }
    }
  }
  outcome.z = squares > 0 ? sum / std::sqrt(squares) : 0;
  return outcome;
}

WatermarkReading WatermarkDetector::result() const {
  const State& s = *state_;
  WatermarkReading reading;
  reading.size = s.size;
  State::Outcome best;
  int tried = 0;
  const auto log10_of = [&](double z) {
    if (z <= 0) return 0.0;
    return std::min(0.0, -z * z / 2 / std::numbers::ln10 + std::log10(std::max(tried, 1)));
  };
  for (int start = 0; start < kPeriod; ++start) {
    State::Outcome outcome = s.correlate(start);
    ++tried;
    if (start == 0 || outcome.z > best.z) best = outcome;
    if (start == 0 && log10_of(best.z) < kFoundLog10) break;  // the usual case: from the beginning
  }
  reading.log10_p = log10_of(best.z);
  reading.found = reading.log10_p < kFoundLog10;
  if (const auto payload = decode_payload(best.soft); payload && reading.found) {
    reading.crc_ok = true;
    reading.payload = *payload;
  }
  return reading;
}

}  // namespace genvid::media
