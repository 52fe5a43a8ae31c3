#include "pipeline/clip_noise.h"

#include <ATen/ops/cat.h>

#include <algorithm>

#include "core/latents_file.h"
#include "diffusion/noise.h"
#include "weights/tensor_file.h"

namespace genvid {
namespace {

// Streams of the seed: clips of a chain count from 0, the steps' noise from here.
constexpr uint64_t kStepStream = uint64_t{1} << 32;
constexpr uint64_t kDraftStream = uint64_t{1} << 33;
constexpr uint64_t kRedrawStream = uint64_t{1} << 34;

}  // namespace

ClipNoise::ClipNoise(const ClipSpec& spec, const Geometry& g, int64_t latents)
    : spec_(spec),
      shape_{1, g.latent_channels, 1, spec.model_size.height / g.spatial_factor,
             spec.model_size.width / g.spatial_factor} {
  if (!spec.init_latents.empty()) {
    given_ = read_latents(spec.init_latents);
    const int64_t context = spec.past.empty() ? 0 : latents_start(spec.init_latents).context;
    given_ = given_.narrow(2, context, given_.size(2) - context);
  }
  if (spec.noise != "torch") return;
  std::vector<int64_t> shape = shape_;
  shape[2] = latents;
  whole_ = initial_noise(spec.noise, spec.seed, shape);
}

ClipNoise::ClipNoise(const ClipSpec& spec, const Geometry& g, int64_t channels, uint64_t stream)
    : spec_(spec),
      shape_{1, channels, 1, spec.model_size.height / g.spatial_factor,
             spec.model_size.width / g.spatial_factor},
      from_(stream) {}

Tensor ClipNoise::fresh(uint64_t stream, int64_t first, int64_t count) const {
  if (whole_.defined() && stream == 0) return whole_.narrow(2, first, count);
  std::vector<int64_t> shape = shape_;
  shape[2] = count;
  return initial_noise(spec_.noise, spec_.seed, shape, from_ + stream, first);
}

Tensor ClipNoise::initial(int64_t first, int64_t count) const {
  if (!given_.defined() || first >= given_.size(2)) return fresh(0, first, count);
  const int64_t here = std::min(count, given_.size(2) - first);
  const Tensor head = given_.narrow(2, first, here);
  return here == count ? head : at::cat({head, fresh(0, first + here, count - here)}, 2);
}

Tensor ClipNoise::draft(int64_t index, int64_t count) const {
  return fresh(kDraftStream + static_cast<uint64_t>(index), 0, count);
}

Tensor ClipNoise::redrawn(int64_t index, int64_t count) const {
  return fresh(kRedrawStream + static_cast<uint64_t>(index), 0, count);
}

Tensor ClipNoise::after_step(int64_t index, int64_t first, int64_t count) const {
  return fresh(kStepStream + static_cast<uint64_t>(index), first, count);
}

}  // namespace genvid
