#include "media/image_resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <numbers>

namespace genvid::media {
namespace {

constexpr double kSupport = 3.0;
constexpr int kPrecisionBits = 32 - 8 - 2;

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos(double x) { return -kSupport <= x && x < kSupport ? sinc(x) * sinc(x / 3) : 0.0; }

// For each output sample, the first input sample and the fixed-point weights.
struct Filter {
  struct Tap {
    int first = 0;
    std::vector<int> weights;
  };
  std::vector<Tap> taps;
};

// float, because Pillow keeps the box so.
Filter make_filter(int in_size, float in0, float in1, int out_size) {
  double scale = static_cast<double>(in1 - in0) / out_size;
  double filter_scale = std::max(scale, 1.0);
  double support = kSupport * filter_scale;
  Filter filter;
  filter.taps.resize(static_cast<size_t>(out_size));
  for (int i = 0; i < out_size; ++i) {
    double center = in0 + (i + 0.5) * scale;
    int first = std::max(static_cast<int>(center - support + 0.5), 0);
    int last = std::min(static_cast<int>(center + support + 0.5), in_size);
    std::vector<double> weights;
    double sum = 0;
    for (int x = first; x < last; ++x) {
      weights.push_back(lanczos((x - center + 0.5) * (1.0 / filter_scale)));
      sum += weights.back();
    }
    auto& tap = filter.taps[static_cast<size_t>(i)];
    tap.first = first;
    for (double w : weights) {
      double fixed = (sum != 0 ? w / sum : w) * (1 << kPrecisionBits);
      tap.weights.push_back(static_cast<int>(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
  }
  return filter;
}

// One sample: weights over input bytes that lie `step` apart.
uint8_t apply(const Filter::Tap& tap, const uint8_t* in, size_t step) {
  int sum = 1 << (kPrecisionBits - 1);
  for (int weight : tap.weights) {
    sum += weight * *in;
    in += step;
  }
  return static_cast<uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

Image scale_rows(const Image& image, const Filter& filter) {
  Image out{static_cast<int>(filter.taps.size()), image.height, {}};
  out.pixels.resize(size_t{3} * static_cast<size_t>(out.width) * static_cast<size_t>(out.height));
  uint8_t* to = out.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* row =
        image.pixels.data() + size_t{3} * static_cast<size_t>(image.width) * static_cast<size_t>(y);
    for (const auto& tap : filter.taps) {
      for (int c = 0; c < 3; ++c) *to++ = apply(tap, row + 3 * tap.first + c, 3);
    }
  }
  return out;
}

Image scale_columns(const Image& image, const Filter& filter) {
  Image out{image.width, static_cast<int>(filter.taps.size()), {}};
  size_t stride = size_t{3} * static_cast<size_t>(image.width);
  out.pixels.resize(stride * static_cast<size_t>(out.height));
  uint8_t* to = out.pixels.data();
  for (const auto& tap : filter.taps) {
    const uint8_t* top = image.pixels.data() + stride * static_cast<size_t>(tap.first);
    for (size_t x = 0; x < stride; ++x) *to++ = apply(tap, top + x, stride);
  }
  return out;
}

// Rows [first, last) alone: what lies outside the crop is never scaled.
void keep_rows(Image& image, int first, int last) {
  auto stride = std::ptrdiff_t{3} * image.width;
  image.pixels.erase(image.pixels.begin() + stride * last, image.pixels.end());
  image.pixels.erase(image.pixels.begin(), image.pixels.begin() + stride * first);
  image.height = last - first;
}

}  // namespace

Image orient(Image image, const int32_t* matrix) {
  const int64_t a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
  bool swap = std::abs(b) > std::abs(a);
  bool flip_x = swap ? c < 0 : a < 0;
  bool flip_y = swap ? b < 0 : d < 0;
  if (!swap && !flip_x && !flip_y) return image;
  Image out{swap ? image.height : image.width, swap ? image.width : image.height, {}};
  out.pixels.resize(image.pixels.size());
  const uint8_t* from = image.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x, from += 3) {
      int to_x = swap ? y : x, to_y = swap ? x : y;
      if (flip_x) to_x = out.width - 1 - to_x;
      if (flip_y) to_y = out.height - 1 - to_y;
      size_t at = size_t{3} * (static_cast<size_t>(to_y) * static_cast<size_t>(out.width) +
                               static_cast<size_t>(to_x));
      std::copy(from, from + 3, out.pixels.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  return out;
}

Image fit(Image image, Size target) {
  if (image.width == target.width && image.height == target.height) return image;
  double want = static_cast<double>(target.width) / target.height;
  double have = static_cast<double>(image.width) / image.height;
  double crop_w = image.width, crop_h = image.height;
  if (have > want) {
    crop_w = want * image.height;
  } else if (have < want) {
    crop_h = image.width / want;
  }
  double x0 = (image.width - crop_w) * 0.5, y0 = (image.height - crop_h) * 0.5;
  Filter rows = make_filter(image.width, static_cast<float>(x0), static_cast<float>(x0 + crop_w),
                            target.width);
  Filter columns = make_filter(image.height, static_cast<float>(y0),
                               static_cast<float>(y0 + crop_h), target.height);
  int first = columns.taps.front().first;
  int last = columns.taps.back().first + static_cast<int>(columns.taps.back().weights.size());
  keep_rows(image, first, last);
  for (auto& tap : columns.taps) tap.first -= first;
  // A side that keeps its size is left alone, as Pillow does.
  bool scale_x = image.width != target.width || crop_w != image.width;
  Image scaled = scale_x ? scale_rows(image, rows) : std::move(image);
  return scale_columns(scaled, columns);
}

}  // namespace genvid::media
