#include "families/wan/clip_preprocess.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace genvid::wan {
namespace {

constexpr double kSupport = 2.0;
constexpr int kPrecisionBits = 32 - 8 - 2;

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// The source pixels of one output pixel, and their fixed-point weights.
struct Taps {
  int first = 0;
  std::vector<int> weights;
};

std::vector<Taps> make_taps(int in, int out) {
  const double scale = static_cast<double>(in) / out;
  const double filter_scale = std::max(scale, 1.0);
  const double support = kSupport * filter_scale;
  std::vector<Taps> all(static_cast<size_t>(out));
  for (int i = 0; i < out; ++i) {
    const double center = (i + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), in);
    std::vector<double> k;
    double sum = 0;
    for (int x = first; x < last; ++x) {
      k.push_back(cubic((x - center + 0.5) * (1.0 / filter_scale)));
      sum += k.back();
    }
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = first;
    for (double w : k) {
      if (sum != 0) w /= sum;
      taps.weights.push_back(static_cast<int>(w * (1 << kPrecisionBits) + (w < 0 ? -0.5 : 0.5)));
    }
  }
  return all;
}

// One output byte from bytes that stand `stride` apart.
uint8_t resample(const uint8_t* in, size_t stride, const Taps& taps) {
  int sum = 1 << (kPrecisionBits - 1);
  in += static_cast<size_t>(taps.first) * stride;
  for (const int weight : taps.weights) {
    sum += *in * weight;
    in += stride;
  }
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

Image resize_width(const Image& image, int width) {
  Image out{width, image.height, {}};
  out.pixels.reserve(static_cast<size_t>(width) * static_cast<size_t>(image.height) * 3);
  const auto taps = make_taps(image.width, width);
  const size_t row_bytes = static_cast<size_t>(image.width) * 3;
  for (size_t row = 0; row < static_cast<size_t>(image.height); ++row) {
    for (const Taps& t : taps) {
      for (size_t c = 0; c < 3; ++c) {
        out.pixels.push_back(resample(image.pixels.data() + row * row_bytes + c, 3, t));
      }
    }
  }
  return out;
}

Image resize_height(const Image& image, int height) {
  Image out{image.width, height, {}};
  const size_t row_bytes = static_cast<size_t>(image.width) * 3;
  out.pixels.reserve(row_bytes * static_cast<size_t>(height));
  for (const Taps& t : make_taps(image.height, height)) {
    for (size_t x = 0; x < row_bytes; ++x) {
      out.pixels.push_back(resample(image.pixels.data() + x, row_bytes, t));
    }
  }
  return out;
}

}  // namespace

Image resize_bicubic(const Image& image, int width, int height) {
  Image out = width == image.width ? image : resize_width(image, width);
  return height == out.height ? out : resize_height(out, height);
}

Tensor clip_pixels(const Image& image, const ImageProcessorConfig& config) {
  const int64_t shortest = config.shortest_edge, size = config.crop_size;
  const auto longest = [&](int64_t a, int64_t b) {
    return static_cast<int>(static_cast<double>(shortest * a) / static_cast<double>(b));
  };
  const bool portrait = image.width <= image.height;
  const int width = portrait ? static_cast<int>(shortest) : longest(image.width, image.height);
  const int height = portrait ? longest(image.height, image.width) : static_cast<int>(shortest);
  const Image resized = resize_bicubic(image, width, height);

  Tensor pixels = at::empty({1, 3, size, size}, at::kFloat);
  float* out = pixels.data_ptr<float>();
  const int64_t top = (height - size) / 2, left = (width - size) / 2;
  for (size_t c = 0; c < 3; ++c) {
    const auto mean = static_cast<float>(config.mean[c]), std = static_cast<float>(config.std[c]);
    for (int64_t y = 0; y < size; ++y) {
      for (int64_t x = 0; x < size; ++x) {
        const auto at = static_cast<size_t>(((y + top) * width + x + left) * 3) + c;
        const auto value = static_cast<float>(resized.pixels[at] * (1.0 / 255));
        *out++ = (value - mean) / std;
      }
    }
  }
  return pixels;
}

}  // namespace genvid::wan
