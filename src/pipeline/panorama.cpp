#include "pipeline/panorama.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

namespace genvid {

Panorama::Panorama(const Tensor& picture, const Tensor& beside, int64_t position, CameraPan pan)
    : wide_(beside.defined() ? at::cat({picture, beside}, 1) : picture),
      channels_(picture.size(1)),
      position_(position),
      axis_(pan.right != 0 ? 4 : 3),
      size_(wide_.size(axis_)),
      speed_(std::abs(pan.right + pan.down)),
      first_(pan.right + pan.down > 0) {}

// A quarter of the picture at once: the rest says how it goes on.
void Panorama::draw_on(const Draw& draw) {
  const int64_t count = std::max<int64_t>(1, size_ / 4), rest = size_ - count;
  const int64_t have = wide_.size(axis_);
  const Tensor known = wide_.narrow(axis_, first_ ? 0 : have - rest, rest);
  const Tensor open = at::zeros_like(known.narrow(axis_, 0, count));
  const DrawnSide side{first_ ? at::cat({open, known}, axis_) : at::cat({known, open}, axis_),
                       axis_, count, first_};
  const Tensor drawn = draw(side).to(wide_.device()).narrow(1, 0, wide_.size(1));
  const Tensor more = drawn.narrow(axis_, first_ ? 0 : rest - 1, count + 1);
  const Tensor old = wide_.narrow(axis_, first_ ? 1 : 0, have - 1);
  wide_ = first_ ? at::cat({more, old}, axis_) : at::cat({old, more}, axis_);
}

AnchorFrame Panorama::ahead(int64_t start, int64_t last, const Draw& draw) {
  const auto gone = static_cast<int64_t>(std::ceil(speed_ * static_cast<double>(last - position_)));
  while (wide_.size(axis_) < size_ + gone) draw_on(draw);
  const int64_t from = first_ ? wide_.size(axis_) - size_ - gone : gone;
  const double when = static_cast<double>(position_) + static_cast<double>(gone) / speed_;
  const Tensor seen = wide_.narrow(1, 0, channels_).narrow(axis_, from, size_);
  return {seen.contiguous(), static_cast<double>(start) - when};
}

}  // namespace genvid
