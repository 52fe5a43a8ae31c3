#include "core/image_resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

namespace genvid {
namespace {

constexpr int kPrecisionBits = 32 - 8 - 2;

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3) : 0.0; }

// The input samples of one output sample, and their fixed-point weights.
struct Taps {
  int first = 0;
  std::vector<int> weights;
};

std::vector<Taps> make_taps(int in, int out, Resample filter) {
  const double scale = static_cast<double>(in) / out;
  const double filter_scale = std::max(scale, 1.0);
  const double support = (filter == Resample::kBicubic ? 2.0 : 3.0) * filter_scale;
  std::vector<Taps> all(static_cast<size_t>(out));
  for (int i = 0; i < out; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), in);
    std::vector<double> weights;
    double sum = 0;
    for (int x = first; x < last; ++x) {
      const double at = (x - center + 0.5) * (1.0 / filter_scale);
      weights.push_back(filter == Resample::kBicubic ? cubic(at) : lanczos(at));
      sum += weights.back();
    }
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = first;
    for (double w : weights) {
      if (sum != 0) w /= sum;
      taps.weights.push_back(static_cast<int>(w * (1 << kPrecisionBits) + (w < 0 ? -0.5 : 0.5)));
    }
  }
  return all;
}

// One output byte from bytes that lie `stride` apart.
uint8_t resample(const uint8_t* in, size_t stride, const Taps& taps) {
  int sum = 1 << (kPrecisionBits - 1);
  in += static_cast<size_t>(taps.first) * stride;
  for (const int weight : taps.weights) {
    sum += *in * weight;
    in += stride;
  }
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

size_t row_bytes(const Image& image) { return size_t{3} * static_cast<size_t>(image.width); }

Image resize_width(const Image& image, int width, Resample filter) {
  if (width == image.width) return image;
  Image out{width, image.height, {}};
  out.pixels.reserve(row_bytes(out) * static_cast<size_t>(image.height));
  const auto all = make_taps(image.width, width, filter);
  for (size_t row = 0; row < static_cast<size_t>(image.height); ++row) {
    const uint8_t* in = image.pixels.data() + row * row_bytes(image);
    for (const Taps& taps : all) {
      for (size_t c = 0; c < 3; ++c) out.pixels.push_back(resample(in + c, 3, taps));
    }
  }
  return out;
}

Image resize_height(const Image& image, int height, Resample filter) {
  if (height == image.height) return image;
  Image out{image.width, height, {}};
  out.pixels.reserve(row_bytes(out) * static_cast<size_t>(height));
  for (const Taps& taps : make_taps(image.height, height, filter)) {
    for (size_t x = 0; x < row_bytes(image); ++x) {
      out.pixels.push_back(resample(image.pixels.data() + x, row_bytes(image), taps));
    }
  }
  return out;
}

}  // namespace

Image resize_image(const Image& image, Size target, Resample filter) {
  // Pillow 13 goes through the side first that leaves less to do.
  const bool columns_first =
      image.height - target.height > 2 * std::max(0, image.width - target.width);
  if (columns_first) {
    return resize_width(resize_height(image, target.height, filter), target.width, filter);
  }
  return resize_height(resize_width(image, target.width, filter), target.height, filter);
}

Image crop_to_shape(Image image, Size target) {
  const int64_t across = int64_t{image.width} * target.height;
  const int64_t down = int64_t{image.height} * target.width;
  if (across == down) return image;
  Image out{image.width, image.height, {}};
  if (across > down) {
    out.width =
        std::max(1, static_cast<int>(std::llround(static_cast<double>(down) / target.height)));
  } else {
    out.height =
        std::max(1, static_cast<int>(std::llround(static_cast<double>(across) / target.width)));
  }
  const auto left = static_cast<size_t>((image.width - out.width) / 2);
  const auto top = static_cast<size_t>((image.height - out.height) / 2);
  out.pixels.reserve(row_bytes(out) * static_cast<size_t>(out.height));
  for (size_t y = 0; y < static_cast<size_t>(out.height); ++y) {
    const uint8_t* row = image.pixels.data() + (top + y) * row_bytes(image) + left * 3;
    out.pixels.insert(out.pixels.end(), row, row + row_bytes(out));
  }
  return out;
}

Image extend_edges(const Image& image, Size target) {
  if (image.width == target.width && image.height == target.height) return image;
  Image out{target.width, target.height, {}};
  out.pixels.reserve(row_bytes(out) * static_cast<size_t>(out.height));
  const int left = (target.width - image.width) / 2, top = (target.height - image.height) / 2;
  for (int y = 0; y < target.height; ++y) {
    const auto from = static_cast<size_t>(std::clamp(y - top, 0, image.height - 1));
    const uint8_t* row = image.pixels.data() + from * row_bytes(image);
    for (int x = 0; x < target.width; ++x) {
      const uint8_t* p = row + ptrdiff_t{3} * std::clamp(x - left, 0, image.width - 1);
      out.pixels.insert(out.pixels.end(), p, p + 3);
    }
  }
  return out;
}

}  // namespace genvid
