// What embedding and finding share: which sign and which bit each 8 x 8 block carries when.
//
// Every block of every frame holds one coefficient of the 8 x 8 DCT, (2, 2), raised or lowered.
// Its sign stays for six frames, since x264 and its like code what stays and drop what comes and
// goes, and then changes, since what the picture itself has there stays too and would never average
// out. Blocks change at different frames, so nothing flickers. After sixteen signs all starts
// again: a clip whose beginning is cut off can be found by trying the 96 places to start.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "genvid/types.h"
#include "media/watermark_code.h"

namespace genvid::media {

class WatermarkPattern {
 public:
  static constexpr int kBlock = 8;
  static constexpr int kHold = 6;    // frames of one sign
  static constexpr int kSigns = 16;  // then again
  static constexpr int kPeriod = kHold * kSigns;
  static constexpr int kPilots = kCodedBits / 3;  // slots whose sign is known: a quarter of all
  static constexpr int kSlots = kCodedBits + kPilots;

  WatermarkPattern(Size size, std::string_view key);

  int columns() const { return columns_; }
  int rows() const { return rows_; }
  size_t blocks() const { return phase_.size(); }

  // Which of the sixteen the block shows in a frame.
  int turn(size_t block, int64_t frame) const {
    return static_cast<int>((frame % kPeriod + phase_[block]) / kHold) % kSigns;
  }
  // A chip is a block's turn. Its slot: a coded bit, or from kCodedBits on a pilot.
  struct Chip {
    uint16_t slot;
    int8_t sign;
  };
  const Chip& chip(size_t block, int turn) const {
    return chips_[static_cast<size_t>(turn) * blocks() + block];
  }

 private:
  int columns_, rows_;
  std::vector<uint8_t> phase_;
  std::vector<Chip> chips_;
};

// cos((2x + 1) 2 pi / 16) / 2: the basis function (2, 2) is the product of two of these.
extern const std::array<float, WatermarkPattern::kBlock> kWatermarkWave;

}  // namespace genvid::media
