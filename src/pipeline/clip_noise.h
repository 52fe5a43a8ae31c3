// Noise of a clip that is made in pieces: any latent frames at any time, the same whatever the
// pieces. Held are only latents that the user gave and, since it has no random access, what the
// reference's generator draws.
#pragma once

#include "families/describe.h"
#include "genvid/clip_spec.h"
#include "tensor/tensor.h"

namespace genvid {

class ClipNoise {
 public:
  // latents: how many will be asked for.
  ClipNoise(const ClipSpec& spec, const Geometry& geometry, int64_t latents);
  // Of other channels that are made with the latents', in streams of the seed from `stream` on.
  ClipNoise(const ClipSpec& spec, const Geometry& geometry, int64_t channels, uint64_t stream);

  // fp32 CPU [1, C, count, H, W]: what latent frames first.. start from.
  Tensor initial(int64_t first, int64_t count) const;
  // The same for another draft of the clip's start; index from 1.
  Tensor draft(int64_t index, int64_t count) const;
  // What takes a draft, index from 0, back some steps.
  Tensor redrawn(int64_t index, int64_t count) const;
  // What a sampler that adds noise gives these frames after step `index`.
  Tensor after_step(int64_t index, int64_t first, int64_t count) const;

 private:
  Tensor fresh(uint64_t stream, int64_t first, int64_t count) const;

  const ClipSpec& spec_;
  std::vector<int64_t> shape_;  // of one latent frame
  uint64_t from_ = 0;           // streams of the seed count from here
  Tensor given_;                // --init-latents
  Tensor whole_;                // --noise torch
};

}  // namespace genvid
