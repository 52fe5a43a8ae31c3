#include "families/wan/vae_decoder.h"

#include <string>

#include "tensor/tap.h"

namespace genvid::wan {
namespace {

constexpr int64_t kTappedChunks = 3;  // the first, the second and the steady state all differ

void tap_chunk(const std::string& name, int64_t chunk, const Tensor& x) {
  if (!tap_enabled() || chunk >= kTappedChunks) return;
  tap(name + "#" + std::to_string(chunk), x.permute({0, 4, 1, 2, 3}));
}

int64_t top_dim(const VaeConfig& c) { return c.decoder_base_dim * c.dim_mult.back(); }

std::vector<UpBlock> make_up_blocks(const WeightMap& w, const VaeConfig& c) {
  std::vector<UpBlock> blocks;
  const auto count = static_cast<int64_t>(c.dim_mult.size());
  int64_t in = top_dim(c);
  for (int64_t i = 0; i < count; ++i) {
    const WeightMap scope = w.scope(i);
    const int64_t out = c.decoder_base_dim * c.dim_mult[static_cast<size_t>(count - 1 - i)];
    // In 2.1 every upsampler halves the channels, so that the next block starts from half.
    int64_t width = i > 0 && !c.is_residual ? in / 2 : in;
    UpBlock block;
    for (int64_t r = 0; r <= c.num_res_blocks; ++r) {
      block.resnets.emplace_back(scope.scope("resnets").scope(r), width, out);
      width = out;
    }
    if (i + 1 < count) {
      const bool temporal = c.temperal_downsample[static_cast<size_t>(count - 2 - i)];
      if (c.is_residual) {
        block.upsampler.emplace(scope.scope("upsampler"), out, out, temporal);
        block.shortcut_factor_t = temporal ? 2 : 1;
      } else {
        block.upsampler.emplace(scope.scope("upsamplers").scope(0), out, out / 2, temporal);
      }
    }
    blocks.push_back(std::move(block));
    in = out;
  }
  return blocks;
}

}  // namespace

Tensor UpBlock::operator()(const Tensor& x, CausalState& state, bool first_chunk) const {
  Tensor y = x;
  for (const ResidualBlock& resnet : resnets) y = resnet(y, state);
  if (upsampler) y = (*upsampler)(y, state, first_chunk);
  if (shortcut_factor_t > 0) add_duplicated(x, y, shortcut_factor_t, first_chunk);
  return y;
}

VaeDecoder::VaeDecoder(const WeightMap& w, const VaeConfig& c)
    : conv_in(w.scope("conv_in"), {.in = c.z_dim, .out = top_dim(c)}),
      mid_block(w.scope("mid_block"), top_dim(c)),
      up_blocks(make_up_blocks(w.scope("up_blocks"), c)),
      head(w.scope("norm_out"), w.scope("conv_out"), c.decoder_base_dim * c.dim_mult.front(),
           c.out_channels) {}

Tensor VaeDecoder::operator()(const Tensor& z, CausalState& state, int64_t chunk) const {
  state.rewind();
  Tensor x = mid_block(conv_in(z, state), state);
  tap_chunk("mid", chunk, x);
  for (size_t i = 0; i < up_blocks.size(); ++i) {
    x = up_blocks[i](x, state, /*first_chunk=*/chunk == 0);
    tap_chunk("up" + std::to_string(i), chunk, x);
  }
  x = head(std::move(x), state);
  tap_chunk("dec", chunk, x);
  return x;
}

}  // namespace genvid::wan
