#include "quality/frame_measures.h"

#include <algorithm>
#include <cmath>

namespace genvid::quality {
namespace {

constexpr float kMovesLess = 0.25f;  // pixels; such a block stands still

Grey luma_of(const Image& frame) {
  Grey out{frame.width, frame.height, {}};
  const size_t n = static_cast<size_t>(frame.width) * frame.height;
  out.values.resize(n);
  const uint8_t* p = frame.pixels.data();
  for (size_t i = 0; i < n; ++i, p += 3) {
    out.values[i] = 0.2126f * p[0] + 0.7152f * p[1] + 0.0722f * p[2];
  }
  return out;
}

void measure_light(const Grey& luma, FrameMeasures& m) {
  double sum = 0, squares = 0;
  for (const float v : luma.values) {
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  const auto n = static_cast<double>(luma.values.size());
  m.luma = static_cast<float>(sum / n);
  m.contrast = static_cast<float>(std::sqrt(std::max(0.0, squares / n - sum * sum / (n * n))));
}

void measure_colour(const Image& frame, FrameMeasures& m) {
  double saturation = 0;
  int64_t clipped = 0;
  const size_t n = frame.pixels.size() / 3;
  const uint8_t* p = frame.pixels.data();
  for (size_t i = 0; i < n; ++i, p += 3) {
    const int high = std::max({p[0], p[1], p[2]}), low = std::min({p[0], p[1], p[2]});
    saturation += high - low;
    clipped += high == 0 || low == 255 ? 1 : 0;
  }
  m.saturation = static_cast<float>(saturation / static_cast<double>(n));
  m.clipped = static_cast<float>(static_cast<double>(clipped) / static_cast<double>(n));
}

void measure_sharpness(const Grey& g, FrameMeasures& m) {
  double sum = 0, squares = 0;
  int64_t n = 0;
  for (int y = 1; y + 1 < g.height; ++y) {
    for (int x = 1; x + 1 < g.width; ++x, ++n) {
      const float v =
          g.at(x - 1, y) + g.at(x + 1, y) + g.at(x, y - 1) + g.at(x, y + 1) - 4 * g.at(x, y);
      sum += v;
      squares += static_cast<double>(v) * v;
    }
  }
  if (n == 0) return;
  const auto count = static_cast<double>(n);
  m.sharpness = static_cast<float>(squares / count - sum * sum / (count * count));
}

void measure_step(const Grey& before, const Grey& now, FrameMeasures& m) {
  double sum = 0;
  for (size_t i = 0; i < now.values.size(); ++i) {
    sum += std::fabs(now.values[i] - before.values[i]);
  }
  m.step = static_cast<float>(sum / static_cast<double>(now.values.size()));
}

float still_difference(const Grey& before, const Grey& now, const MotionField& field) {
  double sum = 0;
  int64_t n = 0;
  for (size_t i = 0; i < field.vectors.size(); ++i) {
    if (std::hypot(field.vectors[i].dx, field.vectors[i].dy) > kMovesLess) continue;
    const int x0 = static_cast<int>(i) % field.columns * field.block;
    const int y0 = static_cast<int>(i) / field.columns * field.block;
    for (int y = y0; y < y0 + field.block; ++y) {
      for (int x = x0; x < x0 + field.block; ++x, ++n) {
        sum += std::fabs(now.at(x, y) - before.at(x, y));
      }
    }
  }
  return n == 0 ? 0.f : static_cast<float>(sum / static_cast<double>(n));
}

void measure_motion(const Grey& before, const Grey& now, FrameMeasures& m) {
  const MotionField field = match_blocks(before, now);
  std::vector<float> speeds;
  double residual = 0;
  for (const Vector& v : field.vectors) {
    // The motion of a flat block is arbitrary.
    speeds.push_back(v.weight > 4.f ? std::hypot(v.dx, v.dy) : 0.f);
    residual += v.error;
  }
  m.residual = static_cast<float>(residual / static_cast<double>(field.vectors.size()));
  const size_t fast = std::max<size_t>(1, speeds.size() / 20);
  std::partial_sort(speeds.begin(), speeds.begin() + static_cast<long>(fast), speeds.end(),
                    std::greater<>());
  double sum = 0;
  for (size_t i = 0; i < fast; ++i) sum += speeds[i];
  m.speed = static_cast<float>(sum / static_cast<double>(fast) / now.width);
  m.still_step = still_difference(before, now, field);
  m.camera = global_motion(field);
}

Thumb thumb_of(const Image& frame) {
  constexpr int kCells = kThumbSide * kThumbSide;
  std::array<double, 3 * kCells> sum{};
  std::array<int64_t, kCells> count{};
  const uint8_t* p = frame.pixels.data();
  for (int y = 0; y < frame.height; ++y) {
    const int row = y * kThumbSide / frame.height * kThumbSide;
    for (int x = 0; x < frame.width; ++x, p += 3) {
      const int cell = row + x * kThumbSide / frame.width;
      const double luma = 0.2126 * p[0] + 0.7152 * p[1] + 0.0722 * p[2];
      sum[cell] += luma;
      sum[kCells + cell] += p[2] - luma;
      sum[2 * kCells + cell] += p[0] - luma;
      ++count[cell];
    }
  }
  Thumb out{};
  for (int channel = 0; channel < 3; ++channel) {
    double mean = 0;
    for (int i = channel * kCells; i < (channel + 1) * kCells; ++i) {
      sum[i] /= static_cast<double>(std::max<int64_t>(1, count[i % kCells]));
      mean += sum[i] / kCells;
    }
    for (int i = channel * kCells; i < (channel + 1) * kCells; ++i) {
      out[i] = static_cast<float>(sum[i] - mean);
    }
  }
  return out;
}

// Motion is measured in pictures of this width at most.
constexpr int kMotionWidth = 192;

}  // namespace

void FrameMeter::measure_slow_camera(const Grey& luma, FrameMeasures& m) {
  if (!earlier_.values.empty()) {
    if (++since_ < span_) return;
    GlobalMotion g = global_motion(match_blocks(earlier_, luma));
    g.dx /= span_;
    g.dy /= span_;
    g.zoom /= span_;
    m.slow_camera = g;
  }
  earlier_ = luma;
  since_ = 0;
}

FrameMeasures FrameMeter::measure(const Image& frame) {
  FrameMeasures m;
  Grey luma = luma_of(frame);
  measure_light(luma, m);
  measure_colour(frame, m);
  measure_sharpness(luma, m);
  thumb_ = thumb_of(frame);
  while (luma.width > kMotionWidth && luma.height >= 32) luma = half(luma);
  const bool matched = luma.width >= 16 && luma.height >= 16;
  if (!before_.values.empty()) {
    measure_step(before_, luma, m);
    if (matched) measure_motion(before_, luma, m);
  }
  if (matched && span_ > 0) measure_slow_camera(luma, m);
  before_ = std::move(luma);
  return m;
}

}  // namespace genvid::quality
