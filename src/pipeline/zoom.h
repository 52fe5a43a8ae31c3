// What a camera that zooms comes to see: the picture that it starts from, drawn again as it has
// become whenever that is a seventh bigger or smaller. Carried on alone it would blur on the way
// in, and on the way out streaks of its edges would come in from all sides.
// Source: scripts/train/zoom.py.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "families/family.h"

namespace genvid {

class Zoom {
 public:
  // A picture fp32 [1, C, 1, H, W] as the camera sees it so many latent frames later, or earlier.
  using Carry = std::function<Tensor(const Tensor& picture, double latents)>;
  // A picture that is blurred and has repeated edges, as it should be, no fainter than the first.
  using Draw = std::function<Tensor(const Tensor& picture, const Tensor& first)>;

  // picture: fp32 [1, C, 1, H, W], of latent frame `position`; growth: the natural logarithm of
  // what the camera scales it by in the time of a latent frame, not 0.
  Zoom(Tensor picture, int64_t position, double growth);

  // What the camera sees at each latent frame from `start` (no earlier than the picture) to `last`:
  // from one to the other it goes over to the next drawn picture, lest that shows.
  AnchorFrame ahead(int64_t start, int64_t last, const Carry& carry, const Draw& draw);

 private:
  std::vector<Tensor> pictures_;
  int64_t position_;
  int64_t reach_, over_;  // latent frames to the next picture, and in which it goes over to that
};

}  // namespace genvid
