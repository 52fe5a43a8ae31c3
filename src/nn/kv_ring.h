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
  void next_block() { ++block_; }
  // Forgets all but the sink. `first` >= sink is the current block again, and stands right behind
  // it.
  void restart(int64_t first) { first_ = block_ = first; }
  int64_t block() const { return block_; }
  int64_t sink() const { return sink_; }
  int64_t recent() const { return recent_; }

  // The slot of a block that is held.
  int64_t slot_of(int64_t block) const {
    return block < sink_ ? block : sink_ + (block - first_) % recent_;
  }
  // The blocks that the current one attends to, in the order of their slots.
  std::vector<int64_t> held() const;

 private:
  struct Layer {
    Tensor k, v;  // [1, slots * L, N, K]
  };

  int64_t sink_, recent_;
  int64_t first_;  // block in the first slot behind the sink
  int64_t block_ = 0;
  std::vector<Layer> layers_;
};

// One layer's part of a ring; without a ring, attention sees its own tokens alone.
struct KvLayer {
  KvRing* ring = nullptr;
  int64_t layer = 0;
};

}  // namespace genvid
