#include "pipeline/zoom.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/lerp.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace genvid {
namespace {

// What the camera has scaled from one drawn picture to the next, as a logarithm, and the part of
// the way in which it goes over to that one: sooner would be sharper, for what is carried back is
// sharp and what is carried on is not, but shows.
constexpr double kReach = 0.136, kOver = 5. / 6;
constexpr double kFarthest = 1e9;  // latent frames; no clip is as long

}  // namespace

Zoom::Zoom(Tensor picture, int64_t position, double growth)
    : pictures_{std::move(picture)},
      position_(position),
      reach_(std::max<int64_t>(1, std::llround(std::min(kReach / std::abs(growth), kFarthest)))),
      over_(std::max<int64_t>(1, std::llround(kOver * static_cast<double>(reach_)))) {}

AnchorFrame Zoom::ahead(int64_t start, int64_t last, const Carry& carry, const Draw& draw) {
  const int64_t end = last - position_;
  while (static_cast<int64_t>(pictures_.size()) < end / reach_ + 2) {
    const Tensor& latest = pictures_.back();
    pictures_.push_back(
        draw(carry(latest, static_cast<double>(reach_)), pictures_.front()).to(latest.device()));
  }
  std::vector<Tensor> out;
  for (int64_t at = start - position_; at <= end; ++at) {
    const auto seen = [&](int64_t i) {
      return carry(pictures_[static_cast<size_t>(i)], static_cast<double>(at - i * reach_));
    };
    const int64_t k = at / reach_;
    const double share =
        std::min(1.0, static_cast<double>(at - k * reach_) / static_cast<double>(over_));
    out.push_back(at::lerp(seen(k), seen(k + 1), share));
  }
  // The layout would follow the picture's, which is another one in a clip that was stopped, and the
  // last bits would follow the layout.
  return {at::cat(out, 2).contiguous(), static_cast<double>(start - last)};
}

}  // namespace genvid
