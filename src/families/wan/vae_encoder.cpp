#include "families/wan/vae_encoder.h"

namespace genvid::wan {
namespace {

int64_t top_dim(const VaeConfig& c) { return c.base_dim * c.dim_mult.back(); }

// In 2.1 resnets and downsamplers share one flat list, in 2.2 each block has its own.
std::vector<DownBlock> make_down_blocks(const WeightMap& w, const VaeConfig& c) {
  std::vector<DownBlock> blocks;
  const size_t count = c.dim_mult.size();
  int64_t in = c.base_dim;
  int64_t flat = 0;
  for (size_t i = 0; i < count; ++i) {
    const WeightMap scope = w.scope(static_cast<int64_t>(i));
    const int64_t out = c.base_dim * c.dim_mult[i];
    const bool down = i + 1 < count;
    const bool temporal = down && c.temperal_downsample[i];
    DownBlock block;
    for (int64_t r = 0; r < c.num_res_blocks; ++r) {
      block.resnets.emplace_back(c.is_residual ? scope.scope("resnets").scope(r) : w.scope(flat++),
                                 r == 0 ? in : out, out);
    }
    if (down) {
      block.downsampler.emplace(c.is_residual ? scope.scope("downsampler") : w.scope(flat++), out,
                                temporal);
    }
    if (c.is_residual) {
      block.shortcut_out = out;
      block.shortcut_factor_t = temporal ? 2 : 1;
      block.shortcut_factor_s = down ? 2 : 1;
    }
    blocks.push_back(std::move(block));
    in = out;
  }
  return blocks;
}

}  // namespace

Tensor DownBlock::operator()(const Tensor& x, CausalState& state, bool first_chunk) const {
  Tensor y = x;
  for (const ResidualBlock& resnet : resnets) y = resnet(y, state);
  if (downsampler) y = (*downsampler)(y, state, first_chunk);
  if (shortcut_out > 0) {
    y.add_(average_down(x, shortcut_out, shortcut_factor_t, shortcut_factor_s));
  }
  return y;
}

VaeEncoder::VaeEncoder(const WeightMap& w, const VaeConfig& c)
    : conv_in(w.scope("conv_in"), {.in = c.in_channels, .out = c.base_dim}),
      down_blocks(make_down_blocks(w.scope("down_blocks"), c)),
      mid_block(w.scope("mid_block"), top_dim(c)),
      head(w.scope("norm_out"), w.scope("conv_out"), top_dim(c), 2 * c.z_dim) {}

Tensor VaeEncoder::operator()(const Tensor& x, CausalState& state, int64_t chunk) const {
  state.rewind();
  Tensor y = conv_in(x, state);
  for (const DownBlock& block : down_blocks) y = block(y, state, /*first_chunk=*/chunk == 0);
  return head(mid_block(y, state), state);
}

}  // namespace genvid::wan
