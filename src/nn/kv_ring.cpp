#include "nn/kv_ring.h"

#include <ATen/ops/empty.h>

#include <string>

#include "genvid/error.h"

namespace genvid {

KvRing::KvRing(int64_t layers, int64_t sink_blocks, int64_t recent_blocks)
    : sink_(sink_blocks), recent_(recent_blocks), layers_(static_cast<size_t>(layers)) {
  if (sink_ < 0 || recent_ < 1) {
    throw Error(ErrorKind::kModel, "a ring of " + std::to_string(sink_) + " + " +
                                       std::to_string(recent_) + " blocks has no room");
  }
  begin(0);
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
  const int64_t first = static_cast<int64_t>(slot_) * tokens;
  store.k.narrow(1, first, tokens).copy_(k);
  store.v.narrow(1, first, tokens).copy_(v);
  const int64_t filled = static_cast<int64_t>(blocks_.size()) * tokens;
  return {store.k.narrow(1, 0, filled), store.v.narrow(1, 0, filled)};
}

// Slots fill up in order; then the oldest block behind the sink goes that is not pinned.
void KvRing::begin(int64_t block) {
  if (static_cast<int64_t>(blocks_.size()) < sink_ + recent_) {
    slot_ = blocks_.size();
    blocks_.push_back(block);
    return;
  }
  const auto behind = static_cast<size_t>(sink_);
  size_t oldest = blocks_[behind] == pinned_ ? behind + 1 : behind;
  for (size_t i = oldest + 1; i < blocks_.size(); ++i) {
    if (blocks_[i] != pinned_ && blocks_[i] < blocks_[oldest]) oldest = i;
  }
  slot_ = oldest;
  blocks_[slot_] = block;
}

void KvRing::pin() {
  if (recent_ < 2) {
    throw Error(ErrorKind::kModel, "a ring with room for one block cannot pin it");
  }
  pinned_ = block();
}

void KvRing::restart(int64_t first) {
  blocks_.resize(static_cast<size_t>(sink_));
  pinned_ = -1;
  begin(first);
}

}  // namespace genvid
