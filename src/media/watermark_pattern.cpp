#include "media/watermark_pattern.h"

#include <algorithm>
#include <numeric>

#include "core/philox.h"
#include "media/sha256.h"

namespace genvid::media {
namespace {

// Uniform 32-bit numbers from the key, the same everywhere.
class KeyStream {
 public:
  explicit KeyStream(std::string_view key) {
    const std::string digest = sha256("genvid watermark 1\n" + std::string(key));
    for (size_t i = 0; i < 2; ++i) {
      key_[i] = static_cast<uint32_t>(std::stoul(digest.substr(8 * i, 8), nullptr, 16));
    }
  }

  uint32_t next() {
    if (at_ == 4) {
      block_ = philox4x32_10(
          {static_cast<uint32_t>(count_), static_cast<uint32_t>(count_ >> 32), 0, 0}, key_);
      ++count_;
      at_ = 0;
    }
    return block_[at_++];
  }

  // Below n; the bias of a multiplication is far below what matters here.
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(uint64_t{next()} * n >> 32); }

 private:
  std::array<uint32_t, 2> key_{};
  std::array<uint32_t, 4> block_{};
  uint64_t count_ = 0;
  size_t at_ = 4;
};

}  // namespace

const std::array<float, WatermarkPattern::kBlock> kWatermarkWave = {
    0.46193977f,  0.19134172f,  -0.19134172f, -0.46193977f,
    -0.46193977f, -0.19134172f, 0.19134172f,  0.46193977f};

WatermarkPattern::WatermarkPattern(Size size, std::string_view key)
    : columns_(size.width / kBlock), rows_(size.height / kBlock) {
  const size_t blocks = static_cast<size_t>(columns_) * static_cast<size_t>(rows_);
  KeyStream stream(key);
  phase_.resize(blocks);
  for (uint8_t& phase : phase_) phase = static_cast<uint8_t>(stream.below(kHold));
  // Each turn deals the slots out to the blocks in a new order, going on where the last one ended,
  // so that every slot has as many chips as any other.
  chips_.resize(blocks * kSigns);
  std::vector<uint32_t> order(blocks);
  std::iota(order.begin(), order.end(), 0u);
  size_t slot = 0;
  for (size_t turn = 0; turn < kSigns; ++turn) {
    for (size_t i = blocks; i > 1; --i) {
      std::swap(order[i - 1], order[stream.below(static_cast<uint32_t>(i))]);
    }
    for (const uint32_t block : order) {
      Chip& chip = chips_[turn * blocks + block];
      chip.slot = static_cast<uint16_t>(slot++ % kSlots);
      chip.sign = (stream.next() & 1) != 0 ? 1 : -1;
    }
  }
}

}  // namespace genvid::media
