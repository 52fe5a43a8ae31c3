#include "media/frame_stage.h"

#include <algorithm>
#include <cstring>

namespace genvid::media {

FrameStage::FrameStage(const FrameSpec& from, const FrameSpec& to,
                       const std::optional<Watermark>& mark)
    : size_{to.width, to.height} {
  const Size in{from.width, from.height};
  if (!(in == size_)) resizer_ = std::make_unique<PlaneResizer>(in, size_);
  if (mark) embedder_ = std::make_unique<WatermarkEmbedder>(*mark, to);
}

FrameView FrameStage::process(const FrameView& in) {
  if (resizer_ == nullptr && embedder_ == nullptr) return in;
  const size_t area = static_cast<size_t>(size_.width) * static_cast<size_t>(size_.height);
  const ptrdiff_t stride = static_cast<ptrdiff_t>(sizeof(float)) * size_.width;
  planes_.resize(3 * area);
  FrameView out;
  out.stride.fill(stride);
  for (size_t p = 0; p < 3; ++p) {
    float* plane = planes_.data() + p * area;
    out.plane[p] = plane;
    if (resizer_ != nullptr) {
      resizer_->resize(in.plane[p], in.stride[p], plane);
      continue;
    }
    for (int y = 0; y < size_.height; ++y) {
      std::memcpy(plane + static_cast<ptrdiff_t>(y) * size_.width,
                  static_cast<const uint8_t*>(in.plane[p]) + in.stride[p] * y,
                  static_cast<size_t>(stride));
    }
  }
  if (embedder_ != nullptr) {
    embedder_->embed(planes_.data(), planes_.data() + area, planes_.data() + 2 * area);
  }
  return out;
}

int64_t repeats_of(int64_t n, const FrameSpec& from, const FrameSpec& to) {
  // Output k shows frame floor(k * from.fps / to.fps); the last frame also what rounding left over.
  const int64_t a = from.fps.num * to.fps.den, b = from.fps.den * to.fps.num;
  const auto first_of = [&](int64_t frame) {  // the first k that shows it or a later one
    if (frame >= from.frames) return to.frames;
    const __int128 k = (static_cast<__int128>(frame) * b + a - 1) / a;
    return std::min<int64_t>(static_cast<int64_t>(k), to.frames);
  };
  return first_of(n + 1) - first_of(n);
}

}  // namespace genvid::media
