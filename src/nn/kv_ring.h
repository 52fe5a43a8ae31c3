// Keys and values of the blocks of latent frames that a causal transformer has finished, and of the
// one it works on. The first blocks (the sink) stay for ever, the others take turns in a ring of
// slots behind them: nothing is moved. Keys come with their rotary positions applied, so that
// attention does not care in which order they stand, and no mask is needed.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace genvid {

class KvRing {
 public:
  // sink_blocks >= 0; recent_blocks >= 1: the current block and those just before it.
  KvRing(int64_t layers, int64_t sink_blocks, int64_t recent_blocks);

  // Keys and values [1, L, N, K] of the current block, over what it had put there before. Returns
  // all that the block attends to, [1, S, N, K]: views, good until the next call for this layer.
  std::pair<Tensor, Tensor> put(int64_t layer, const Tensor& k, const Tensor& v);

  // The current block is finished and stays; the next one begins.
  void next_block() { begin(block() + 1); }
  // The current block stays in its slot until another is pinned; in the sink it stays anyway. Needs
  // room for a block besides it: recent_blocks >= 2.
  void pin();
  // Forgets all but the sink. `first` >= sink is the current block again, and stands right behind
  // it.
  void restart(int64_t first);
  int64_t block() const { return blocks_[slot_]; }
  int64_t sink() const { return sink_; }
  int64_t recent() const { return recent_; }

  // The blocks that the current one attends to, in the order of their slots.
  const std::vector<int64_t>& held() const { return blocks_; }

 private:
  struct Layer {
    Tensor k, v;  // [1, slots * L, N, K]
  };

  void begin(int64_t block);

  int64_t sink_, recent_;
  std::vector<int64_t> blocks_;  // in each slot that is filled: always a run from the first
  size_t slot_ = 0;              // of the current block
  int64_t pinned_ = -1;
  std::vector<Layer> layers_;
};

// One layer's part of a ring; without a ring, attention sees its own tokens alone.
struct KvLayer {
  KvRing* ring = nullptr;
  int64_t layer = 0;
};

}  // namespace genvid
