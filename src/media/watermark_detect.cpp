// WatermarkDetector: sums coefficients while frames come, then asks how well they agree with the
// key's signs, less what the picture itself is likely to have there: what a block's neighbours, its
// turns before and after, or all its other turns say.
//
// The test is exact whatever the picture: with the picture given, each chip's sign is an
// independent toss of a coin, so a sum of +-y reaches z standard deviations with a chance of at
// most exp(-z^2 / 2) (Hoeffding), y being anything that follows from the picture alone. Every place
// to start and every set of known chips that is tried counts as another toss.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "media/watermark.h"
#include "media/watermark_pattern.h"

namespace genvid::media {
namespace {

constexpr int kBlock = WatermarkPattern::kBlock;
constexpr int kPeriod = WatermarkPattern::kPeriod;
constexpr int kSigns = WatermarkPattern::kSigns;
constexpr double kFoundLog10 = -9;
constexpr float kFloor = 2.25f;  // of what a chip's value varies, a frame: encoders round

// The coded bits that follow from the system's id alone, and what they are for genvid.
constexpr size_t kSystemBits = 3 * 16;

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

// Of no values it is 0.
struct Mean {
  float sum = 0;
  int count = 0;
  void add(float v) {
    sum += v;
    ++count;
  }
  void remove(float v) {
    sum -= v;
    --count;
  }
  float value() const { return count > 0 ? sum / static_cast<float>(count) : 0; }
  float maybe() const { return count > 0 ? value() : std::numeric_limits<float>::quiet_NaN(); }
};

struct Agreement {
  double sum = 0, squares = 0;
  void add(double y) {
    sum += y;
    squares += y * y;
  }
  double z() const { return squares > 0 ? sum / std::sqrt(squares) : 0; }
};

}  // namespace

struct WatermarkDetector::State {
  State(Size s, std::string_view key)
      : size(s),
        pattern(s, key),
        sums(static_cast<size_t>(kPeriod) * pattern.blocks()),
        frames_at(kPeriod) {}

  struct Chips {
    std::vector<float> value;  // [turn][block]
    std::vector<int> frames;
  };
  struct Outcome {
    Agreement pilots, own;  // own: pilots, and the bits that say that the system is genvid
    std::array<float, kCodedBits> soft{};
    void add(size_t slot, float y);
  };
  // The mean of each chip's frames when the clip starts at this place of the period.
  void gather(int start, Chips& chips) const;
  // What surrounds a chip, and which of it says best what the picture has there.
  using Guess = std::array<bool, 3>;
  struct Around {
    std::array<float, 3> values;  // NaN where there is nothing
    float expect(const Guess& guess) const;
  };
  std::vector<Around> look_around(const Chips& chips) const;
  // The guess that leaves least in and around each block; where the clip starts hardly matters.
  std::vector<const Guess*> best_guesses() const;
  // Takes from each chip what the picture is likely to have there, and adds up its frames again.
  void whiten(Chips& chips, const std::vector<const Guess*>& guesses) const;
  float sum_around(std::span<const float> values, size_t block, int* count = nullptr) const;
  Outcome correlate(int start, const std::vector<const Guess*>& guesses) const;

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
  float* to = s.sums.data() + place * blocks;
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      *to++ += coefficient(luma + (row * stride + column) * kBlock, stride);
    }
  }
}

void WatermarkDetector::State::gather(int start, Chips& chips) const {
  const size_t blocks = pattern.blocks();
  chips.value.assign(blocks * kSigns, 0.0f);
  chips.frames.assign(blocks * kSigns, 0);
  for (int place = 0; place < kPeriod; ++place) {
    const int count = frames_at[static_cast<size_t>(place)];
    if (count == 0) continue;
    const float* from = sums.data() + static_cast<size_t>(place) * blocks;
    for (size_t block = 0; block < blocks; ++block) {
      const size_t chip = static_cast<size_t>(pattern.turn(block, place + start)) * blocks + block;
      chips.value[chip] += from[block];
      chips.frames[chip] += count;
    }
  }
  for (size_t i = 0; i < chips.value.size(); ++i) {
    if (chips.frames[i] > 0) chips.value[i] /= static_cast<float>(chips.frames[i]);
  }
}

std::vector<WatermarkDetector::State::Around> WatermarkDetector::State::look_around(
    const Chips& chips) const {
  const int columns = pattern.columns(), rows = pattern.rows();
  const size_t blocks = pattern.blocks();
  const auto take = [&](Mean& mean, size_t i) {
    if (chips.frames[i] > 0) mean.add(chips.value[i]);
  };
  std::vector<Mean> of_block(blocks);
  for (size_t i = 0; i < chips.value.size(); ++i) take(of_block[i % blocks], i);
  std::vector<Around> around(chips.value.size());
  for (size_t turn = 0; turn < kSigns; ++turn) {
    for (size_t block = 0; block < blocks; ++block) {
      const size_t chip = turn * blocks + block;
      if (chips.frames[chip] == 0) continue;
      const int row = static_cast<int>(block) / columns, column = static_cast<int>(block) % columns;
      Mean beside, near, other = of_block[block];
      if (row > 0) take(beside, chip - static_cast<size_t>(columns));
      if (row + 1 < rows) take(beside, chip + static_cast<size_t>(columns));
      if (column > 0) take(beside, chip - 1);
      if (column + 1 < columns) take(beside, chip + 1);
      take(near, (turn + kSigns - 1) % kSigns * blocks + block);
      take(near, (turn + 1) % kSigns * blocks + block);
      other.remove(chips.value[chip]);
      around[chip] = {beside.maybe(), near.maybe(), other.maybe()};
    }
  }
  return around;
}

// What to expect of a chip when these of its surroundings count; 0 when they have nothing.
float WatermarkDetector::State::Around::expect(const Guess& guess) const {
  Mean mean;
  for (size_t i = 0; i < values.size(); ++i) {
    if (guess[i] && !std::isnan(values[i])) mean.add(values[i]);
  }
  return mean.value();
}

std::vector<const WatermarkDetector::State::Guess*> WatermarkDetector::State::best_guesses() const {
  // Beside, in the turns before and after, in all other turns.
  static constexpr Guess kGuesses[] = {{true, false, false},
                                       {true, true, true},
                                       {false, true, true},
                                       {true, true, false},
                                       {false, false, false}};
  Chips chips;
  gather(0, chips);
  const std::vector<Around> around = look_around(chips);
  const size_t blocks = pattern.blocks();
  std::vector<float> least(blocks, std::numeric_limits<float>::infinity());
  std::vector<const Guess*> best(blocks, kGuesses);
  for (const Guess& guess : kGuesses) {
    std::vector<float> left(blocks, 0.0f);
    for (size_t chip = 0; chip < chips.value.size(); ++chip) {
      const float rest =
          (chips.value[chip] - around[chip].expect(guess)) * static_cast<float>(chips.frames[chip]);
      left[chip % blocks] += rest * rest;
    }
    for (size_t block = 0; block < blocks; ++block) {
      const float here = left[block] + sum_around(left, block);
      if (here < least[block]) {
        least[block] = here;
        best[block] = &guess;
      }
    }
  }
  return best;
}

void WatermarkDetector::State::whiten(Chips& chips,
                                      const std::vector<const Guess*>& guesses) const {
  const std::vector<Around> around = look_around(chips);
  for (size_t chip = 0; chip < chips.value.size(); ++chip) {
    chips.value[chip] -= around[chip].expect(*guesses[chip % pattern.blocks()]);
    chips.value[chip] *= static_cast<float>(chips.frames[chip]);
  }
}

// Of the eight blocks around one, as many of them as there are.
float WatermarkDetector::State::sum_around(std::span<const float> values, size_t block,
                                           int* count) const {
  const int columns = pattern.columns(), rows = pattern.rows();
  const int row = static_cast<int>(block) / columns, column = static_cast<int>(block) % columns;
  float sum = 0;
  for (int r = std::max(0, row - 1); r <= std::min(rows - 1, row + 1); ++r) {
    for (int c = std::max(0, column - 1); c <= std::min(columns - 1, column + 1); ++c) {
      if (r == row && c == column) continue;
      sum += values[static_cast<size_t>(r * columns + c)];
      if (count != nullptr) ++*count;
    }
  }
  return sum;
}

WatermarkDetector::State::Outcome WatermarkDetector::State::correlate(
    int start, const std::vector<const Guess*>& guesses) const {
  Chips chips;
  gather(start, chips);
  whiten(chips, guesses);
  const size_t blocks = pattern.blocks();
  std::vector<float> squares(chips.value.size());
  std::vector<Mean> of_block(blocks);
  for (size_t i = 0; i < chips.value.size(); ++i) {
    squares[i] = chips.value[i] * chips.value[i];
    if (chips.frames[i] > 0) of_block[i % blocks].add(squares[i]);
  }
  Outcome outcome;
  for (size_t turn = 0; turn < kSigns; ++turn) {
    const std::span<const float> here(squares.data() + turn * blocks, blocks);
    for (size_t block = 0; block < blocks; ++block) {
      const size_t at = turn * blocks + block;
      const auto count = static_cast<float>(chips.frames[at]);
      if (count == 0) continue;
      // How much such values vary around here and at other times, this one left out: the sign of
      // what it holds must not weigh on itself.
      int neighbours = 0;
      const float around = sum_around(here, block, &neighbours);
      Mean other = of_block[block], variance;
      other.remove(squares[at]);
      if (neighbours > 0) variance.add(around / static_cast<float>(neighbours));
      if (other.count > 0) variance.add(std::max(0.0f, other.value()));
      const float v = variance.value() + kFloor * kFloor * count * count;
      const float limit = 2 * std::sqrt(v);
      const WatermarkPattern::Chip& chip = pattern.chip(block, static_cast<int>(turn));
      outcome.add(chip.slot, std::clamp(chips.value[at], -limit, limit) / v * chip.sign * count);
    }
  }
  return outcome;
}

void WatermarkDetector::State::Outcome::add(size_t slot, float y) {
  if (slot >= kCodedBits) {
    pilots.add(y);
    own.add(y);
    return;
  }
  soft[slot] += y;
  static const std::array<uint8_t, kCodedBits> kOwn = encode_payload({});
  if (slot < kSystemBits) own.add(kOwn[slot] != 0 ? y : -y);
}

WatermarkReading WatermarkDetector::result() const {
  const State& s = *state_;
  WatermarkReading reading;
  reading.size = s.size;
  State::Outcome best;
  double best_z = 0;
  int tried = 0;
  const auto log10_of = [&](double z) {
    if (z <= 0) return 0.0;
    return std::min(0.0, -z * z / 2 / std::numbers::ln10 + std::log10(std::max(tried, 1)));
  };
  int best_start = 0;
  const auto guesses = s.best_guesses();
  const auto look = [&](int start) {
    const State::Outcome outcome = s.correlate((start + kPeriod) % kPeriod, guesses);
    const double z = std::max(outcome.pilots.z(), outcome.own.z());
    tried += 2;
    if (tried > 2 && z <= best_z) return;
    best = outcome;
    best_z = z;
    best_start = start;
  };
  look(0);
  if (log10_of(best_z) >= kFoundLog10) {
    // It may be cut at its beginning. A frame beside the right place, five frames of six agree.
    for (int start = 3; start < kPeriod; start += 3) look(start);
    const int near = best_start;
    for (const int off : {-1, 1}) look(near + off);
  }
  reading.log10_p = log10_of(best_z);
  reading.found = reading.log10_p < kFoundLog10;
  if (const auto payload = decode_payload(best.soft); payload && reading.found) {
    reading.crc_ok = true;
    reading.payload = *payload;
  }
  return reading;
}

}  // namespace genvid::media
