#include "media/plane_resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace genvid::media {
namespace {

double lanczos(double x) {
  constexpr double kLobes = 3;
  x = std::abs(x);
  if (x >= kLobes) return 0;
  if (x < 1e-9) return 1;
  const double p = x * std::numbers::pi;
  return kLobes * std::sin(p) * std::sin(p / kLobes) / (p * p);
}

}  // namespace

PlaneResizer::Taps PlaneResizer::make_taps(int in, int out) {
  const double scale = static_cast<double>(in) / out, wide = std::max(scale, 1.0);
  Taps taps;
  taps.count = std::min(in, static_cast<int>(std::ceil(3 * wide)) * 2 + 1);
  for (int i = 0; i < out; ++i) {
    const double center = (i + 0.5) * scale - 0.5;
    const int first =
        std::clamp(static_cast<int>(std::lround(center)) - taps.count / 2, 0, in - taps.count);
    std::vector<double> weights;
    double sum = 0;
    for (int k = 0; k < taps.count; ++k) {
      weights.push_back(lanczos((first + k - center) / wide));
      sum += weights.back();
    }
    taps.first.push_back(first);
    for (const double w : weights) taps.weights.push_back(static_cast<float>(w / sum));
  }
  return taps;
}

PlaneResizer::PlaneResizer(Size in, Size out)
    : in_(in),
      out_(out),
      columns_(make_taps(in.width, out.width)),
      rows_(make_taps(in.height, out.height)),
      line_(static_cast<size_t>(in.width)) {}

void PlaneResizer::resize(const void* in, ptrdiff_t stride, float* out) {
  for (int y = 0; y < out_.height; ++y) {
    std::fill(line_.begin(), line_.end(), 0.0f);
    for (int k = 0; k < rows_.count; ++k) {
      const float weight = rows_.weights[static_cast<size_t>(y * rows_.count + k)];
      const auto* row = reinterpret_cast<const float*>(
          static_cast<const uint8_t*>(in) + stride * (rows_.first[static_cast<size_t>(y)] + k));
      for (int x = 0; x < in_.width; ++x) line_[static_cast<size_t>(x)] += weight * row[x];
    }
    for (int x = 0; x < out_.width; ++x) {
      const float* from = line_.data() + columns_.first[static_cast<size_t>(x)];
      const float* weights = columns_.weights.data() + static_cast<ptrdiff_t>(x) * columns_.count;
      float sum = 0;
      for (int k = 0; k < columns_.count; ++k) sum += from[k] * weights[k];
      *out++ = sum;
    }
  }
}

}  // namespace genvid::media
