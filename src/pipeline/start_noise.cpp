#include "pipeline/start_noise.h"

#include <ATen/ops/cat.h>

namespace genvid {
namespace {

// Streams of the seed, beside those of the clip's noise.
constexpr uint64_t kBesideStream = uint64_t{1} << 35;

}  // namespace

StartNoise::StartNoise(const ClipNoise& clip, const ClipSpec& spec, const Traits& traits)
    : clip_(clip) {
  const int64_t more = traits.start_channels - traits.geometry.latent_channels;
  if (more > 0) beside_.emplace(spec, traits.geometry, more, kBesideStream);
}

Tensor StartNoise::initial(const Tensor& latents) const {
  return on_ ? at::cat({latents, beside_->initial(0, 1)}, 1) : latents;
}

Tensor StartNoise::draft(int64_t index, int64_t count) const {
  const Tensor noise = clip_.draft(index, count);
  return on_ ? at::cat({noise, beside_->draft(index, count)}, 1) : noise;
}

Tensor StartNoise::redrawn(int64_t index, int64_t count) const {
  const Tensor noise = clip_.redrawn(index, count);
  return on_ ? at::cat({noise, beside_->redrawn(index, count)}, 1) : noise;
}

Tensor StartNoise::after_step(int64_t index, int64_t count) const {
  const Tensor noise = clip_.after_step(index, 0, count);
  return on_ ? at::cat({noise, beside_->after_step(index, 0, count)}, 1) : noise;
}

}  // namespace genvid
