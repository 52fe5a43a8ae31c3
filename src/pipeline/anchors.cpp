#include "pipeline/anchors.h"

namespace genvid {

void Anchors::begin(int64_t position) {
  first_ = position;
  points_.clear();
}

void Anchors::add(const Tensor& latents, int64_t position) {
  if (reach_ == 0) return;
  for (int64_t i = 0; i < latents.size(2); ++i) {
    const int64_t since = position + i - first_;
    if (since < 0 || since % reach_ != 0) continue;
    if (points_.size() == 3) points_.erase(points_.begin() + 1);
    points_.push_back({latents.narrow(2, i, 1).clone(), position + i});
  }
}

void Anchors::show(Conditioning& conditioning, int64_t start) const {
  const auto of = [&](const Point& p) {
    return AnchorFrame{p.latent, static_cast<double>(start - p.position)};
  };
  for (auto p = points_.rbegin(); p != points_.rend(); ++p) {
    if (p->position > start) continue;
    conditioning.anchor = of(*p);
    conditioning.start = of(points_.front());
    return;
  }
}

}  // namespace genvid
