#include "nn/causal_conv3d.h"

#include <ATen/ops/empty.h>

namespace genvid {

Tensor& CausalState::next_slot() {
  if (next_ == slots_.size()) slots_.emplace_back();
  return slots_[next_++];
}

Tensor CausalState::workspace(at::IntArrayRef sizes, const Tensor& like) {
  int64_t count = 1;
  for (const int64_t n : sizes) count *= n;
  if (!workspace_.defined() || workspace_.numel() < count) {
    workspace_ = Tensor();  // first free, then allocate
    workspace_ = at::empty({count}, like.options());
  }
  return workspace_.narrow(0, 0, count).view(sizes);
}

CausalConv3d::CausalConv3d(const WeightMap& w, const Shape& shape)
    : weight(w.get("weight",
                   {shape.out, shape.in, shape.kernel[0], shape.kernel[1], shape.kernel[2]})),
      bias(w.get("bias", {shape.out})),
      shape(shape) {}

CausalWindow CausalConv3d::open(const Tensor& like, CausalState& state) const {
  const int64_t t = like.size(1);
  CausalWindow window;
  window.history = &state.next_slot();
  window.frames =
      state.workspace({like.size(0), past() + t, like.size(2), like.size(3), like.size(4)}, like);
  window.fresh = window.frames.narrow(1, past(), t);
  const Tensor front = window.frames.narrow(1, 0, past());
  if (window.history->defined()) {
    front.copy_(*window.history);
  } else {
    front.zero_();
  }
  return window;
}

Tensor CausalConv3d::close(const CausalWindow& window) const {
  const Tensor last = window.frames.narrow(1, window.frames.size(1) - past(), past());
  if (window.history->defined()) {
    window.history->copy_(last);
  } else {
    *window.history = last.clone();
  }
  return convolve_channels_last(window.frames, weight, bias, {shape.stride_t, 1, 1},
                                {0, shape.kernel[1] / 2, shape.kernel[2] / 2});
}

Tensor CausalConv3d::operator()(const Tensor& x, CausalState& state) const {
  const CausalWindow window = open(x, state);
  window.fresh.copy_(x);
  return close(window);
}

}  // namespace genvid
