// The payload as bits that survive losses: 16 bits of system, 48 of clip id, CRC-16, in a
// convolutional code of rate 1/3 and constraint length 7, decoded from soft values (Viterbi).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "media/watermark.h"

namespace genvid::media {

inline constexpr int kPayloadBits = 16 + 48 + 16;
inline constexpr int kCodedBits = 3 * (kPayloadBits + 6);  // with the tail that ends in state 0

std::array<uint8_t, kCodedBits> encode_payload(const WatermarkPayload& payload);  // 0 or 1

// soft: above 0 for a 1, by how sure it is. nullopt when the CRC does not fit.
std::optional<WatermarkPayload> decode_payload(const std::array<float, kCodedBits>& soft);

}  // namespace genvid::media
