// Our noise: counter-based Philox4x32-10 (Salmon et al., SC'11) and Box-Muller, keyed by
// (seed, stream, element). The same on every device, thread count and chunking; test vectors in
// tests/unit/core/philox_test.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace genvid {

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Standard normal values of elements first, first + 1, ... One Philox block gives four elements;
// computed in double with our own log, sin and cos, rounded once to float.
void normal_noise(uint64_t seed, uint64_t stream, uint64_t first, std::span<float> out);

}  // namespace genvid
