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
    if (points_.size() == 2) points_.erase(points_.begin());
    points_.push_back({latents.narrow(2, i, 1).clone(), position + i});
  }
}

void Anchors::show(Conditioning& conditioning, int64_t start) const {
  for (auto p = points_.rbegin(); p != points_.rend(); ++p) {
    if (p->position > start) continue;
    conditioning.anchor_latents = p->latent;
    conditioning.anchor_age = start - p->position;
    return;
  }
}

}  // namespace genvid
