#include "pipeline/past.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "core/cancel.h"

namespace genvid {

Tensor image_frame(const Image& image) {
  const Tensor bytes = at::from_blob(const_cast<uint8_t*>(image.pixels.data()),
                                     {image.height, image.width, 3}, at::kByte);
  return bytes.permute({2, 0, 1}).unsqueeze(0).to(at::kFloat).div(255.0).mul(2.0).sub(1.0);
}

Tensor past_frames(const ClipSpec& spec, int64_t count) {
  const auto have = static_cast<int64_t>(spec.past.size());
  const Image& last = spec.past.back();
  Tensor out = at::empty({1, 3, count, last.height, last.width}, at::kFloat);
  for (int64_t i = 0; i < count; ++i) {
    const Image& image = spec.past[static_cast<size_t>(std::max<int64_t>(0, have - count + i))];
    out.select(2, i).copy_(image_frame(image));
  }
  return out;
}

Tensor past_latents(VideoVae& vae, const LoadContext& context, const ClipSpec& spec,
                    const Geometry& geometry, int64_t latents) {
  const Tensor frames = past_frames(spec, geometry.frames_of(latents));
  const std::unique_ptr<VaeStream> encoder = vae.open_encoder();
  Tensor out;
  int64_t have = 0;
  for (int64_t at = 0; at < frames.size(2);) {
    throw_if_cancelled();
    const int64_t count = at == 0 ? geometry.first_frames : geometry.temporal_factor;
    const Tensor made = encoder->push(frames.narrow(2, at, count).to(context.device));
    at += count;
    if (made.size(2) == 0) continue;
    if (!out.defined()) {
      std::vector<int64_t> shape = made.sizes().vec();
      shape[2] = latents;
      out = at::empty(shape, made.options().dtype(at::kFloat));
    }
    out.narrow(2, have, made.size(2)).copy_(made);
    have += made.size(2);
  }
  return out;
}

int64_t latents_to_make(const ClipSpec& spec, const Geometry& geometry) {
  if (spec.past.empty()) return geometry.latents_of(spec.frames);
  return (spec.frames + geometry.temporal_factor - 1) / geometry.temporal_factor;
}

}  // namespace genvid
