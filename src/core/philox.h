// Our noise: counter-based Philox4x32-10 (Salmon et al., SC'11) and Box-Muller, keyed by
// (seed, stream, element). The same on every device, thread count and chunking; test vectors in
// tests/unit/core/philox_test.cpp, made by scripts/parity/philox_reference.py.
//
// The definition, for whoever writes it again elsewhere:
//   x[0..3] = philox4x32_10(counter, key)
//     counter = (low32(element / 4), high32(element / 4), low32(stream), high32(stream))
//     key     = (low32(seed), high32(seed))
//   elements 4b and 4b+1 come from (x[0], x[1]), elements 4b+2 and 4b+3 from (x[2], x[3]):
//     u = (x[even] + 0.5) / 2^32,  v = (x[odd] + 0.5) / 2^32,  r = sqrt(-2 ln u)
//     r cos(2 pi v) for the even element, r sin(2 pi v) for the odd one
// in double with the operations of philox.cpp in their order, no fused multiply-add, then rounded
// to float once.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace genvid {

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Standard normal values of elements first, first + 1, ... (no clip reaches 2^64).
void normal_noise(uint64_t seed, uint64_t stream, uint64_t first, std::span<float> out);

}  // namespace genvid
