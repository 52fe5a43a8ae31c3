#include "media/watermark_code.h"

#include <bit>
#include <limits>
#include <vector>

namespace genvid::media {
namespace {

constexpr int kStates = 64;
constexpr unsigned kGenerators[3] = {0133, 0171, 0165};  // octal; the newest bit is the highest

using Bits = std::array<uint8_t, kPayloadBits>;

// CRC-16/CCITT-FALSE over bits.
uint16_t crc_of(const Bits& bits, int count) {
  uint16_t crc = 0xffff;
  for (int i = 0; i < count; ++i) {
    const bool top = ((crc >> 15) ^ bits[static_cast<size_t>(i)]) != 0;
    crc = static_cast<uint16_t>(crc << 1);
    if (top) crc ^= 0x1021;
  }
  return crc;
}

void put(Bits& bits, int at, int count, uint64_t value) {
  for (int i = 0; i < count; ++i) {
    bits[static_cast<size_t>(at + i)] = static_cast<uint8_t>(value >> (count - 1 - i) & 1);
  }
}

uint64_t get(const Bits& bits, int at, int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 1 | bits[static_cast<size_t>(at + i)];
  return value;
}

// The three bits that leave the encoder in this state with this input.
unsigned output_of(unsigned state, unsigned bit) {
  const unsigned window = bit << 6 | state;
  unsigned out = 0;
  for (int g = 0; g < 3; ++g) {
    out |= static_cast<unsigned>(std::popcount(window & kGenerators[g]) & 1) << g;
  }
  return out;
}

unsigned next_state(unsigned state, unsigned bit) { return (bit << 6 | state) >> 1; }

}  // namespace

std::array<uint8_t, kCodedBits> encode_payload(const WatermarkPayload& payload) {
  Bits bits{};
  put(bits, 0, 16, payload.system_id);
  put(bits, 16, 48, payload.clip_id);
  put(bits, 64, 16, crc_of(bits, 64));
  std::array<uint8_t, kCodedBits> coded{};
  unsigned state = 0;
  for (int i = 0; i < kCodedBits / 3; ++i) {
    const unsigned bit = i < kPayloadBits ? bits[static_cast<size_t>(i)] : 0;
    const unsigned out = output_of(state, bit);
    for (int g = 0; g < 3; ++g) {
      coded[static_cast<size_t>(3 * i + g)] = static_cast<uint8_t>(out >> g & 1);
    }
    state = next_state(state, bit);
  }
  return coded;
}

std::optional<WatermarkPayload> decode_payload(const std::array<float, kCodedBits>& soft) {
  constexpr int kSteps = kCodedBits / 3;
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  std::array<float, kStates> score;
  score.fill(kNever);
  score[0] = 0;
  std::vector<std::array<uint8_t, kStates>> came(kSteps);  // the state before
  for (int i = 0; i < kSteps; ++i) {
    std::array<float, kStates> next;
    next.fill(kNever);
    for (unsigned state = 0; state < kStates; ++state) {
      for (unsigned bit = 0; bit < (i < kPayloadBits ? 2u : 1u); ++bit) {
        const unsigned out = output_of(state, bit);
        float sum = score[state];
        for (int g = 0; g < 3; ++g) {
          const float value = soft[static_cast<size_t>(3 * i + g)];
          sum += (out >> g & 1) != 0 ? value : -value;
        }
        const unsigned to = next_state(state, bit);
        if (sum > next[to]) {
          next[to] = sum;
          came[static_cast<size_t>(i)][to] = static_cast<uint8_t>(state);
        }
      }
    }
    score = next;
  }
  Bits bits{};
  unsigned state = 0;
  for (int i = kSteps - 1; i >= 0; --i) {
    if (i < kPayloadBits) bits[static_cast<size_t>(i)] = static_cast<uint8_t>(state >> 5);
    state = came[static_cast<size_t>(i)][state];
  }
  if (get(bits, 64, 16) != crc_of(bits, 64)) return std::nullopt;
  WatermarkPayload payload;
  payload.system_id = static_cast<uint16_t>(get(bits, 0, 16));
  payload.clip_id = get(bits, 16, 48);
  return payload;
}

}  // namespace genvid::media
