#include "nn/kv_ring.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <string>

#include "genvid/error.h"

namespace genvid {

KvRing::KvRing(int64_t layers, int64_t sink_blocks, int64_t recent_blocks)
    : sink_(sink_blocks),
      recent_(recent_blocks),
      first_(sink_blocks),
      layers_(static_cast<size_t>(layers)) {
  if (sink_ < 0 || recent_ < 1) {
    throw Error(ErrorKind::kModel, "a ring of " + std::to_string(sink_) + " + " +
                                       std::to_string(recent_) + " blocks has no room");
  }
}

std::pair<Tensor, Tensor> KvRing::put(int64_t layer, const Tensor& k, const Tensor& v) {
  Layer& store = layers_[static_cast<size_t>(layer)];
  const int64_t tokens = k.size(1), slots = sink_ + recent_;
  if (!store.k.defined()) {
    std::vector<int64_t> shape = k.sizes().vec();
    shape[1] = slots * tokens;
    store.k = at::empty(shape, k.options());
    store.v = at::empty(shape, v.options());
  }
  if (store.k.size(1) != slots * tokens) {
    throw Error(ErrorKind::kModel, "a block of " + std::to_string(tokens) +
                                       " tokens in a ring for " +
                                       std::to_string(store.k.size(1) / slots));
  }
  const int64_t first = slot_of(block_) * tokens;
  store.k.narrow(1, first, tokens).copy_(k);
  store.v.narrow(1, first, tokens).copy_(v);
  // Slots fill up in order, so that what is held is always one run from the first.
  const int64_t behind = block_ < sink_ ? block_ : sink_ + block_ - first_;
  const int64_t filled = std::min(behind + 1, slots) * tokens;
  return {store.k.narrow(1, 0, filled), store.v.narrow(1, 0, filled)};
}

std::vector<int64_t> KvRing::held() const {
  const int64_t behind = block_ < sink_ ? block_ : sink_ + block_ - first_;
  std::vector<int64_t> out(static_cast<size_t>(std::min(behind + 1, sink_ + recent_)));
  for (int64_t b = 0; b <= block_; ++b) {
    const bool recent = b >= first_ && b > block_ - recent_;
    if (b < sink_ || recent) out[static_cast<size_t>(slot_of(b))] = b;
  }
  return out;
}

}  // namespace genvid
