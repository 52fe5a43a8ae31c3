// Noise of what a clip begins with: a latent frame, and where the model draws one beside others
// (Traits.start_channels) as much for those.
#pragma once

#include <optional>

#include "families/describe.h"
#include "genvid/clip_spec.h"
#include "pipeline/clip_noise.h"
#include "tensor/tensor.h"

namespace genvid {

class StartNoise {
 public:
  // The clip's noise must outlive this.
  StartNoise(const ClipNoise& clip, const ClipSpec& spec, const Traits& traits);

  // Whether such starts can be drawn, and whether the present one is.
  bool available() const { return beside_.has_value(); }
  bool beside() const { return on_; }
  void draw_beside(bool on) { on_ = on && available(); }

  // What the start begins with, from what its latent frames would.
  Tensor initial(const Tensor& latents) const;
  // As ClipNoise has them.
  Tensor draft(int64_t index, int64_t count) const;
  Tensor redrawn(int64_t index, int64_t count) const;
  Tensor after_step(int64_t index, int64_t count) const;

 private:
  const ClipNoise& clip_;
  std::optional<ClipNoise> beside_;
  bool on_ = false;
};

}  // namespace genvid
