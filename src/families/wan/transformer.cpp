#include "families/wan/transformer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>

#include <string>
#include <utility>

#include "core/cancel.h"
#include "kernels/modulate.h"
#include "kernels/rope.h"
#include "nn/timestep_embedding.h"
#include "tensor/tap.h"

namespace genvid::wan {
namespace {

constexpr double kImageNormEps = 1e-5;  // torch.nn.LayerNorm's default

int64_t patch_elements(const TransformerConfig& c) { return c.patch_size[1] * c.patch_size[2]; }

// The table of one axis, from position `first` on, spread over the token grid.
Tensor axis_angles(int64_t dim, int64_t axis, at::IntArrayRef grid, int64_t first = 0) {
  const int64_t length = grid[static_cast<size_t>(axis)];
  std::vector<int64_t> view{1, 1, 1, dim / 2};
  view[static_cast<size_t>(axis)] = length;
  return rope_angles(dim, first + length)
      .narrow(0, first, length)
      .reshape(view)
      .expand({grid[0], grid[1], grid[2], dim / 2});
}

void tap_rope(const RopeTable& rope) {
  if (!tap_enabled()) return;
  const auto pairs = [](const Tensor& half) {
    return half.repeat_interleave(2, 1).unsqueeze(0).unsqueeze(2);  // [1, L, 1, K]
  };
  tap("rope_cos", pairs(rope.cos));
  tap("rope_sin", pairs(rope.sin));
}

}  // namespace

TimeEmbedder::TimeEmbedder(const WeightMap& w, const TransformerConfig& c)
    : freq_dim(c.freq_dim),
      linear_1(w.scope("time_embedder.linear_1"), c.freq_dim, c.dim()),
      linear_2(w.scope("time_embedder.linear_2"), c.dim(), c.dim()),
      time_proj(w.scope("time_proj"), c.dim(), 6 * c.dim()) {}

TextEmbedder::TextEmbedder(const WeightMap& w, const TransformerConfig& c)
    : linear_1(w.scope("linear_1"), c.text_dim, c.dim()),
      linear_2(w.scope("linear_2"), c.dim(), c.dim()) {}

Tensor TextEmbedder::operator()(const Tensor& prompt_embeds) const {
  return linear_2(at::gelu(linear_1(prompt_embeds), "tanh"));
}

ImageEmbedder::ImageEmbedder(const WeightMap& w, const TransformerConfig& c)
    : norm1(w.scope("norm1"), c.image_dim, kImageNormEps),
      up(w.scope("ff.net.0.proj"), c.image_dim, c.image_dim),
      down(w.scope("ff.net.2"), c.image_dim, c.dim()),
      norm2(w.scope("norm2"), c.dim(), kImageNormEps) {
  if (c.pos_embed_seq_len > 0) {
    pos_embed = w.get("pos_embed", {1, c.pos_embed_seq_len, c.image_dim});
  }
}

Tensor ImageEmbedder::operator()(const Tensor& image_embeds) const {
  const Tensor x = pos_embed.defined() ? image_embeds + pos_embed : image_embeds;
  return norm2(down(at::gelu(up(norm1(x)))));
}

FpsEmbedding::FpsEmbedding(const WeightMap& w, const TransformerConfig& c)
    : table(w.get("fps_embedding.weight", {2, c.dim()})),
      up(w.scope("fps_projection.net.0.proj"), c.dim(), c.dim()),
      down(w.scope("fps_projection.net.2"), c.dim(), 6 * c.dim()) {}

Tensor FpsEmbedding::operator()(double fps) const {
  return down(at::silu(up(table.select(0, fps == 16 ? 0 : 1))));
}

Transformer::Transformer(const WeightMap& w, const TransformerConfig& config, at::ScalarType dtype)
    : config_(config),
      dtype_(dtype),
      patch_weight_(w.get("patch_embedding.weight", {config.dim(), config.in_channels, 1,
                                                     config.patch_size[1], config.patch_size[2]})),
      patch_bias_(w.get("patch_embedding.bias", {config.dim()})),
      time_embedder_(w.scope("condition_embedder"), config),
      text_embedder_(w.scope("condition_embedder.text_embedder"), config),
      proj_out_(w.scope("proj_out"), config.dim(), config.out_channels * patch_elements(config)),
      scale_shift_table_(w.get("scale_shift_table", {1, 2, config.dim()})) {
  if (config.image_dim > 0) {
    image_embedder_.emplace(w.scope("condition_embedder.image_embedder"), config);
  }
  if (config.inject_sample_info) fps_embedding_.emplace(w, config);
  for (int64_t i = 0; i < config.num_layers; ++i) {
    blocks_.emplace_back(w.scope("blocks").scope(i), config);
  }
}

RopeTable Transformer::rope(int64_t frames, int64_t rows, int64_t columns,
                            int64_t first_frame) const {
  const int64_t longest = std::max({first_frame + frames, rows, columns});
  if (longest > config_.rope_max_seq_len) {
    throw Error(ErrorKind::kUsage,
                "the clip has " + std::to_string(longest) +
                    " latent positions along one axis, but this model has positions for " +
                    std::to_string(config_.rope_max_seq_len) +
                    "; ask for a smaller or shorter one");
  }
  const int64_t side = 2 * (config_.attention_head_dim / 6);
  const std::vector<int64_t> grid{frames, rows, columns};
  const Tensor angles =
      at::cat({axis_angles(config_.attention_head_dim - 2 * side, 0, grid, first_frame),
               axis_angles(side, 1, grid), axis_angles(side, 2, grid)},
              -1)
          .flatten(0, 2);
  const auto device = patch_weight_.device();
  return {angles.cos().to(device, at::kFloat), angles.sin().to(device, at::kFloat)};
}

std::vector<KeyValues> Transformer::context(const Tensor& prompt_embeds,
                                            const Tensor& image_embeds) const {
  const Tensor text = text_embedder_(prompt_embeds);
  tap("text", text);
  Tensor image;
  if (image_embedder_ && image_embeds.defined()) {
    image = (*image_embedder_)(image_embeds);
    tap("image", image);
  }
  std::vector<KeyValues> all;
  all.reserve(blocks_.size());
  for (const TransformerBlock& block : blocks_) all.push_back(block.attn2.project(text, image));
  return all;
}

Tensor Transformer::patchify(const Tensor& latents) const {
  const int64_t ph = config_.patch_size[1], pw = config_.patch_size[2];
  const int64_t t = latents.size(2), h = latents.size(3) / ph, w = latents.size(4) / pw;
  // A convolution whose stride is its kernel is a matrix product of the patches.
  const Tensor patches = latents.view({1, latents.size(1), t, h, ph, w, pw})
                             .permute({0, 2, 3, 5, 1, 4, 6})
                             .reshape({1, t * h * w, -1});
  Tensor x = at::linear(patches, patch_weight_.view({config_.dim(), -1}), patch_bias_);
  if (tap_enabled()) tap("patch", x.transpose(1, 2).unflatten(2, {t, h, w}));
  return x;
}

Tensor Transformer::unpatchify(const Tensor& tokens, at::IntArrayRef grid) const {
  const int64_t ph = config_.patch_size[1], pw = config_.patch_size[2];
  return tokens.view({1, grid[0], grid[1], grid[2], ph, pw, config_.out_channels})
      .permute({0, 6, 1, 2, 4, 3, 5})
      .reshape({1, config_.out_channels, grid[0], grid[1] * ph, grid[2] * pw});
}

void Transformer::tap_time(const char* name, const Tensor& value, int64_t tokens) const {
  if (!tap_enabled()) return;
  const bool repeat = tap_time_per_token || value.size(0) > 1;
  const Tensor rows = repeat ? value.repeat_interleave(tokens / value.size(0), 0) : value;
  const bool batched = repeat && std::string(name) != "time_sinusoid";
  tap(name, batched ? rows.unsqueeze(0) : rows);
}

Transformer::TimeEmbedding Transformer::embed_time(const Tensor& timesteps, int64_t tokens,
                                                   double fps) const {
  const TimeEmbedder& e = time_embedder_;
  const Tensor sinusoid =
      timestep_embedding(timesteps, e.freq_dim, config_.fp64_time ? at::kDouble : at::kFloat);
  tap_time("time_sinusoid", sinusoid, tokens);
  // fp32 until here, whatever the compute dtype; the reference rounds at these two places.
  const Tensor temb = e.linear_2(at::silu(e.linear_1(sinusoid))).to(dtype_);  // [G, D]
  tap_time("temb", temb, tokens);
  Tensor proj = e.time_proj(at::silu(temb));  // [G, 6 D]
  tap_time("time_proj", proj, tokens);
  if (fps_embedding_) proj = proj + (*fps_embedding_)(fps);
  return {temb.to(at::kFloat).unsqueeze(0), proj.to(at::kFloat).unflatten(1, {6, -1}).unsqueeze(0)};
}

Tensor Transformer::forward(const Tensor& latents, const Tensor& timesteps,
                            const std::vector<KeyValues>& context, const RopeTable& rope,
                            const PassOptions& options) const {
  const std::vector<int64_t> grid{latents.size(2), latents.size(3) / config_.patch_size[1],
                                  latents.size(4) / config_.patch_size[2]};
  tap_rope(rope);
  Tensor x = patchify(latents);
  const TimeEmbedding time = embed_time(timesteps, x.size(1), options.fps);
  const int64_t block_tokens = options.block_frames * grid[1] * grid[2];
  for (size_t i = 0; i < blocks_.size(); ++i) {
    throw_if_cancelled();
    const std::string name = "block" + std::to_string(i);
    {
      const TapScope scope(name);
      x = blocks_[i](std::move(x), time.time_proj, context[i], rope,
                     Sight{{options.cache, static_cast<int64_t>(i)}, block_tokens});
    }
    tap(name, x);
  }
  const Tensor modulation = scale_shift_table_.unsqueeze(0) + time.temb.unsqueeze(2);  // [1,G,2,D]
  x = norm_modulate(x, modulation.select(2, 1), modulation.select(2, 0), config_.eps);
  return unpatchify(proj_out_(x), grid);
}

}  // namespace genvid::wan
