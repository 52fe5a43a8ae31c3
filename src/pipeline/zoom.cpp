#include "pipeline/zoom.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/lerp.h>

#include <algorithm>
#include <utility>

namespace genvid {
namespace {

// Latent frames from one drawn picture to the next, and in which it goes over to that one: sooner
// would be sharper, for what is carried back is sharp and what is carried on is not, but shows.
constexpr int64_t kReach = 12, kOver = 10;

}  // namespace

Zoom::Zoom(Tensor picture, int64_t position) : pictures_{std::move(picture)}, position_(position) {}

AnchorFrame Zoom::ahead(int64_t start, int64_t last, const Carry& carry, const Draw& draw) {
  const int64_t end = last - position_;
  while (static_cast<int64_t>(pictures_.size()) < end / kReach + 2) {
    const Tensor& latest = pictures_.back();
    pictures_.push_back(draw(carry(latest, kReach), pictures_.front()).to(latest.device()));
  }
  std::vector<Tensor> out;
  for (int64_t at = start - position_; at <= end; ++at) {
    const auto seen = [&](int64_t i) {
      return carry(pictures_[static_cast<size_t>(i)], static_cast<double>(at - i * kReach));
    };
    const int64_t k = at / kReach;
    const double share = std::min(1.0, static_cast<double>(at - k * kReach) / kOver);
    out.push_back(at::lerp(seen(k), seen(k + 1), share));
  }
  // The layout would follow the picture's, which is another one in a clip that was stopped, and the
  // last bits would follow the layout.
  return {at::cat(out, 2).contiguous(), static_cast<double>(start - last)};
}

}  // namespace genvid
