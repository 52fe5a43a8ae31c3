#include "families/wan/vae_layers.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/scaled_dot_product_attention.h>

#include <utility>

namespace genvid::wan {
namespace {

Tensor frames_of(const Tensor& x) { return x.flatten(0, 1); }  // [B, t, ...] -> [B*t, ...]

Tensor clip_of(const Tensor& frames, int64_t batch) {
  return frames.unflatten(0, {batch, frames.size(0) / batch});
}

}  // namespace

NormConv::NormConv(const WeightMap& norm_scope, const WeightMap& conv_scope, int64_t in,
                   int64_t out)
    : norm(norm_scope, in, 3), conv(conv_scope, {.in = in, .out = out}) {}

Tensor NormConv::operator()(Tensor x, CausalState& state) const {
  const CausalWindow window = conv.open(x, state);
  norm.silu_into(x, window.fresh);
  x.reset();
  return conv.close(window);
}

ResidualBlock::ResidualBlock(const WeightMap& w, int64_t in, int64_t out)
    : first(w.scope("norm1"), w.scope("conv1"), in, out),
      second(w.scope("norm2"), w.scope("conv2"), out, out) {
  if (in != out) shortcut.emplace(w.scope("conv_shortcut"), in, out, 3);
}

Tensor ResidualBlock::operator()(const Tensor& x, CausalState& state) const {
  Tensor h = second(first(x, state), state);
  return h.add_(shortcut ? (*shortcut)(x) : x);
}

AttentionBlock::AttentionBlock(const WeightMap& w, int64_t dim)
    : norm(w.scope("norm"), dim, 2),
      to_qkv(w.scope("to_qkv"), dim, 3 * dim, 2),
      proj(w.scope("proj"), dim, dim, 2) {}

Tensor AttentionBlock::operator()(const Tensor& x) const {
  const int64_t frames = x.size(0) * x.size(1);
  const Tensor qkv = to_qkv(norm(x)).view({frames, 1, x.size(2) * x.size(3), -1});
  const std::vector<Tensor> parts = qkv.chunk(3, -1);
  const Tensor attended = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
  return proj(attended.reshape(x.sizes())).add_(x);
}

MidBlock::MidBlock(const WeightMap& w, int64_t dim)
    : first(w.scope("resnets").scope(0), dim, dim),
      attention(w.scope("attentions").scope(0), dim),
      second(w.scope("resnets").scope(1), dim, dim) {}

Tensor MidBlock::operator()(const Tensor& x, CausalState& state) const {
  return second(attention(first(x, state)), state);
}

Upsample::Upsample(const WeightMap& w, int64_t in, int64_t out, bool temporal)
    : conv(w.scope("resample").scope(1), in, out, /*kernel=*/3, /*stride=*/1, /*padding=*/1) {
  if (temporal) {
    time_conv.emplace(w.scope("time_conv"),
                      CausalConv3d::Shape{.in = in, .out = 2 * in, .kernel = {3, 1, 1}});
  }
}

Tensor Upsample::operator()(const Tensor& x, CausalState& state, bool first_chunk) const {
  const int64_t batch = x.size(0), t = x.size(1), h = x.size(2), w = x.size(3), c = x.size(4);
  // A clip's first frame takes no part in the temporal convolution, not even as its past.
  const bool doubled = time_conv && !first_chunk;
  const int64_t copies = doubled ? 2 : 1;
  Tensor y = x;
  if (doubled) y = (*time_conv)(x, state);
  if (time_conv && first_chunk) state.next_slot();
  // Channel halves become neighbouring frames and each pixel 2 x 2 of them, in one copy.
  const Tensor source = y.view({batch, t, h, w, copies, c}).permute({0, 1, 4, 2, 3, 5});
  const Tensor big = state.workspace({batch * t * copies, 2 * h, 2 * w, c}, x);
  big.view({batch, t, copies, h, 2, w, 2, c}).copy_(source.unsqueeze(4).unsqueeze(6));
  return clip_of(conv(big), batch);
}

Downsample::Downsample(const WeightMap& w, int64_t dim, bool temporal)
    : conv(w.scope("resample").scope(1), dim, dim, /*kernel=*/3, /*stride=*/2, /*padding=*/0) {
  if (temporal) {
    time_conv.emplace(
        w.scope("time_conv"),
        CausalConv3d::Shape{.in = dim, .out = dim, .kernel = {3, 1, 1}, .stride_t = 2});
  }
}

Tensor Downsample::operator()(const Tensor& x, CausalState& state, bool first_chunk) const {
  const Tensor padded = at::constant_pad_nd(frames_of(x), {0, 0, 0, 1, 0, 1});
  const Tensor small = clip_of(conv(padded), x.size(0));
  if (!time_conv) return small;
  if (!first_chunk) return (*time_conv)(small, state);
  state.next_slot() = small.clone();  // the first frame is the past of the next ones, unchanged
  return small;
}

void add_duplicated(const Tensor& x, Tensor& y, int64_t factor_t, bool first_chunk) {
  const int64_t batch = x.size(0), t = x.size(1), h = x.size(2), w = x.size(3), in = x.size(4);
  const int64_t out = y.size(4);
  const int64_t repeats = out * factor_t * 4 / in;
  // Of the first frame's factor_t copies only the last is kept.
  const int64_t kept = first_chunk ? 1 : factor_t;
  const Tensor target = y.view({batch, t, kept, h, 2, w, 2, out});
  const Tensor outputs = at::arange(out, x.options().dtype(at::kLong));
  for (int64_t a = factor_t - kept; a < factor_t; ++a) {
    for (int64_t b = 0; b < 4; ++b) {
      const Tensor from = outputs.mul(factor_t * 4).add(a * 4 + b).floor_divide(repeats);
      const Tensor to = target.select(2, a - (factor_t - kept)).select(3, b / 2).select(4, b % 2);
      to.add_(in == out ? x : x.index_select(4, from));
    }
  }
}

Tensor average_down(const Tensor& x, int64_t out, int64_t factor_t, int64_t factor_s) {
  const int64_t batch = x.size(0), h = x.size(2), w = x.size(3), in = x.size(4);
  const int64_t missing = (factor_t - x.size(1) % factor_t) % factor_t;
  const Tensor padded = at::constant_pad_nd(x, {0, 0, 0, 0, 0, 0, missing, 0});
  const int64_t t = padded.size(1);
  return padded
      .view({batch, t / factor_t, factor_t, h / factor_s, factor_s, w / factor_s, factor_s, in})
      .permute({0, 1, 3, 5, 7, 2, 4, 6})  // the channel leads the group, then t, row, column
      .reshape({batch, t / factor_t, h / factor_s, w / factor_s, out, -1})
      .mean(-1);
}

}  // namespace genvid::wan
