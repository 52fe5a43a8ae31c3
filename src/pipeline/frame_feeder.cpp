#include "pipeline/frame_feeder.h"

#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <string>

#include "genvid/error.h"

namespace genvid {
namespace {

// One frame of `video` [3, f, H, W]; the view keeps the tensor alive.
FrameView view_frame(const std::shared_ptr<const Tensor>& video, int64_t index, Size size) {
  const int64_t frames = video->size(1), height = video->size(2), width = video->size(3);
  const int64_t top = (height - size.height) / 2, left = (width - size.width) / 2;
  const float* base = video->const_data_ptr<float>();
  FrameView view;
  constexpr int kRgbOfGbr[3] = {1, 2, 0};
  for (int plane = 0; plane < 3; ++plane) {
    const int64_t channel = kRgbOfGbr[plane];
    view.plane[plane] = base + ((channel * frames + index) * height + top) * width + left;
    view.stride[plane] = static_cast<ptrdiff_t>(width * sizeof(float));
  }
  view.keep_alive = video;
  return view;
}

}  // namespace

FrameFeeder::FrameFeeder(FrameSink& sink, const FrameSpec& spec) : sink_(sink), spec_(spec) {}

void FrameFeeder::write(const Tensor& frames) {
  const Tensor x = frames.to(at::kFloat);
  if (!at::isfinite(x).all().item<bool>()) {
    throw Error(ErrorKind::kNumerical, "the decoder gave values that are not finite in frames " +
                                           std::to_string(next_) + " to " +
                                           std::to_string(next_ + frames.size(2) - 1));
  }
  if (!begun_) {
    sink_.begin(spec_);
    begun_ = true;
  }
  const auto video = std::make_shared<const Tensor>(
      x.squeeze(0).mul(0.5).add_(0.5).clamp_(0.0, 1.0).to(at::kCPU).contiguous());
  const Size size{spec_.width, spec_.height};
  for (int64_t i = 0; i < video->size(1) && !complete(); ++i, ++next_) {
    if (next_ < written_) continue;
    sink_.write(view_frame(video, i, size));
    ++written_;
  }
}

}  // namespace genvid
