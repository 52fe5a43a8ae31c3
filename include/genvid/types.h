// Small value types that requests, plans, frames and media share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace genvid {

struct Rational {
  int64_t num = 0;
  int64_t den = 1;
  double value() const {
    return den == 0 ? 0.0 : static_cast<double>(num) / static_cast<double>(den);
  }
  bool operator==(const Rational&) const = default;
};

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
};

// 8-bit RGB, row-major, tightly packed: pixels.size() == width * height * 3.
struct Image {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> pixels;
};

}  // namespace genvid
