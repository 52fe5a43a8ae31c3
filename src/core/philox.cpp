#include "core/philox.h"

#include <algorithm>
#include <bit>
#include <cmath>

// No libm but sqrt, which IEEE 754 rounds correctly: log, sin and cos of two C libraries differ in
// the last bit. Built with -ffp-contract=off, so that no compiler fuses a multiply and an add.

namespace genvid {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53;
constexpr uint32_t kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9;
constexpr uint32_t kWeyl1 = 0xBB67AE85;

constexpr double kLn2 = 0x1.62e42fefa39efp-1;
constexpr double kSqrt2 = 0x1.6a09e667f3bcdp+0;
constexpr double kTwoPi = 0x1.921fb54442d18p+2;

// ln x for a normal x > 0: x = 2^k m with m in [sqrt(1/2), sqrt(2)), and
// ln m = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1) / (m + 1), |s| < 0.1716;
// eleven terms leave less than 1e-17 of s.
double own_log(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  int k = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000);
  if (m >= kSqrt2) {
    m *= 0.5;
    ++k;
  }
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double p = 1.0 / 23.0;
  for (int n = 21; n >= 1; n -= 2) p = p * z + 1.0 / n;
  return k * kLn2 + 2.0 * (s * p);
}

struct SinCos {
  double sin;
  double cos;
};

// Of 2 pi (x + 0.5) / 2^32. The quarter turn is split off in integers, so that the Taylor series
// see at most pi/4; what they leave out is below 1e-17.
SinCos own_sincos_turn(uint32_t x) {
  const int64_t turn = 2 * static_cast<int64_t>(x) + 1;  // in units of 2^-33 turns
  const int64_t quarter = (turn + (int64_t{1} << 30)) >> 31;
  const int64_t rest = turn - (quarter << 31);
  const double a = static_cast<double>(rest) * (kTwoPi / 8589934592.0);
  const double z = a * a;
  double s = 1.0;
  for (int n = 17; n >= 3; n -= 2) s = 1.0 - s * z * (1.0 / (n * (n - 1)));
  double c = 1.0;
  for (int n = 16; n >= 2; n -= 2) c = 1.0 - c * z * (1.0 / (n * (n - 1)));
  s *= a;
  switch (quarter & 3) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

void box_muller(uint32_t x, uint32_t y, float* out) {
  const double u = (static_cast<double>(x) + 0.5) * 0x1p-32;
  const double r = std::sqrt(-2.0 * own_log(u));
  const SinCos turn = own_sincos_turn(y);
  out[0] = static_cast<float>(r * turn.cos);
  out[1] = static_cast<float>(r * turn.sin);
}

void normal_block(uint64_t seed, uint64_t stream, uint64_t block, float* out) {
  const auto low = [](uint64_t v) { return static_cast<uint32_t>(v); };
  const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
  const auto x =
      philox4x32_10({low(block), high(block), low(stream), high(stream)}, {low(seed), high(seed)});
  box_muller(x[0], x[1], out);
  box_muller(x[2], x[3], out + 2);
}

}  // namespace

std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter,
                                      std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{kMultiplier0} * counter[0];
    const uint64_t product1 = uint64_t{kMultiplier1} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return counter;
}

void normal_noise(uint64_t seed, uint64_t stream, uint64_t first, std::span<float> out) {
  std::array<float, 4> values;
  size_t done = 0;
  while (done < out.size()) {
    const uint64_t element = first + done;
    const auto skip = static_cast<size_t>(element % 4);
    const size_t count = std::min(4 - skip, out.size() - done);
    normal_block(seed, stream, element / 4, values.data());
    std::copy_n(values.data() + skip, count, out.data() + done);
    done += count;
  }
}

}  // namespace genvid
