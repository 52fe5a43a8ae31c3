// The latents that a clip made window after window goes on looking at, for models that do
// (Traits.anchor_reach): the first one, and in a long clip every so many latents another.
#pragma once

#include <cstdint>
#include <vector>

#include "families/family.h"

namespace genvid {

class Anchors {
 public:
  // 0: none; else no less than a window, so that one anchor is always behind it.
  explicit Anchors(int64_t reach) : reach_(reach) {}

  // Forgets them all: what goes on from here begins with the latent frame at `position`.
  void begin(int64_t position);
  // Finished latents [1, C, T, H, W], the first of them at `position`; each is given once.
  void add(const Tensor& latents, int64_t position);
  // Puts the first of all and the latest of those not behind `start` into the conditioning of a
  // window that begins there.
  void show(Conditioning& conditioning, int64_t start) const;

 private:
  struct Point {
    Tensor latent;
    int64_t position;
  };
  int64_t reach_;
  int64_t first_ = 0;
  // Three at most, the first of all and the latest two: the next one may lie inside of a window's
  // history.
  std::vector<Point> points_;
};

}  // namespace genvid
