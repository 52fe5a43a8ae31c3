// What a camera that pans or tilts comes to see: the picture that it starts from, drawn on as far
// as it goes. Without it the sides that come in would be guessed a few pixels at a time, out of
// streaks of the last ones.
#pragma once

#include <cstdint>
#include <functional>

#include "families/family.h"

namespace genvid {

class Panorama {
 public:
  // The whole picture with the side that `side` leaves open, fp32 [1, C', 1, H, W]: at least the
  // channels of `side`. What is known may change at the border, by a position. Called in the order
  // in which sides come in.
  using Draw = std::function<Tensor(const DrawnSide& side)>;

  // A camera that moves along one axis; picture: fp32 [1, C, 1, H, W], of latent frame `position`;
  // beside: what a start has besides, as much as is known of it [1, S, 1, H, W], or undefined.
  Panorama(const Tensor& picture, const Tensor& beside, int64_t position, CameraPan pan);

  // What the camera sees at latent frame `last` or a little later, when it has come on by whole
  // positions, for a window that begins at `start`.
  AnchorFrame ahead(int64_t start, int64_t last, const Draw& draw);

 private:
  void draw_on(const Draw& draw);

  Tensor wide_;
  int64_t channels_, position_, axis_, size_;
  double speed_;  // positions in the time of a latent frame
  bool first_;    // what comes in lies before the axis's beginning
};

}  // namespace genvid
