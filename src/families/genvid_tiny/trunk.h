// What genvid-tiny's two transformers share (scripts/train/nets.py, Trunk): the numbers of each
// position and their frame's noise level become tokens, which the blocks and the prompt change.
// Several prompts over the same numbers go through as one batch. What does not change from step to
// step (keys and values of the text, rotary tables) is made apart.
#pragma once

#include <vector>

#include "families/genvid_tiny/config.h"
#include "nn/linear.h"
#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid::genvid_tiny {

// Of every token's position, fp32 [L, K / 2]: pairs of all three groups, frame, row, column.
struct RopeTable {
  Tensor cos, sin;
};

// A prompt as a block sees it, [1, S, N, K].
struct KeyValues {
  Tensor k, v;
};

struct TextContext {
  Tensor pooled;                  // fp32 [1, text_dim]
  std::vector<KeyValues> blocks;  // one per block
};

struct TransformerBlock {
  int64_t heads;
  std::vector<int64_t> split;  // of a head, for the rotary positions
  Linear qkv, o, cq, ckv, co, w1, w2;
  Tensor mod;  // fp32 [6 D]

  TransformerBlock(const WeightMap& w, const TrunkConfig& c);
  KeyValues project(const Tensor& hidden) const;
  // x fp32 [B, L, D], which the block may overwrite; modulation fp32 [B, G, 6 D], row g of G for
  // the g-th run of L / G tokens; one context per batch row.
  Tensor operator()(Tensor x, const Tensor& modulation, const std::vector<KeyValues>& context,
                    const RopeTable& rope) const;

 private:
  Tensor self_attention(const Tensor& x, const RopeTable& rope) const;
  Tensor cross_attention(const Tensor& x, const std::vector<KeyValues>& context) const;
};

class Trunk {
 public:
  // numbers: of a position. dtype: of the matrix products; the stream between blocks and the
  // modulation are fp32.
  Trunk(const WeightMap& w, const TrunkConfig& config, int64_t numbers, at::ScalarType dtype);

  RopeTable rope(int64_t frames, int64_t rows, int64_t columns) const;
  TextContext context(const Tensor& hidden) const;  // fp32 [1, S, text_dim], real tokens alone
  // x fp32 [1, numbers, F, h, w]; timesteps fp32 [G], 1000 times the noise level, G = 1 or F.
  // Returns tokens for the last layer, fp32 [B, F h w, D], a row per prompt.
  Tensor tokens(const Tensor& x, const Tensor& timesteps,
                const std::vector<const TextContext*>& prompts, const RopeTable& rope) const;

 private:
  TrunkConfig config_;
  at::ScalarType dtype_;
  Linear inp_;
  Tensor place_;  // fp32 [rows, columns, D]
  Linear t1_, t2_, pool_, ada_, mod_out_;
  std::vector<TransformerBlock> blocks_;
};

}  // namespace genvid::genvid_tiny
