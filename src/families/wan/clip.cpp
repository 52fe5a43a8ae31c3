#include "families/wan/clip.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/sigmoid.h>

#include <string>

#include "nn/attention.h"

namespace genvid::wan {

ClipLayer::ClipLayer(const WeightMap& w, const ImageEncoderConfig& c)
    : heads(c.num_attention_heads),
      quick_gelu(c.quick_gelu),
      layer_norm1(w.scope("layer_norm1"), c.hidden_size, c.layer_norm_eps),
      layer_norm2(w.scope("layer_norm2"), c.hidden_size, c.layer_norm_eps),
      q_proj(w.scope("self_attn.q_proj"), c.hidden_size, c.hidden_size),
      k_proj(w.scope("self_attn.k_proj"), c.hidden_size, c.hidden_size),
      v_proj(w.scope("self_attn.v_proj"), c.hidden_size, c.hidden_size),
      out_proj(w.scope("self_attn.out_proj"), c.hidden_size, c.hidden_size),
      fc1(w.scope("mlp.fc1"), c.hidden_size, c.intermediate_size),
      fc2(w.scope("mlp.fc2"), c.intermediate_size, c.hidden_size) {}

Tensor ClipLayer::operator()(const Tensor& x) const {
  const auto split = [this](const Tensor& y) { return y.unflatten(-1, {heads, -1}); };
  Tensor n = layer_norm1(x);
  const Tensor h = x + out_proj(attention(split(q_proj(n)), split(k_proj(n)), split(v_proj(n))));
  n = fc1(layer_norm2(h));
  return h + fc2(quick_gelu ? n * at::sigmoid(n * 1.702) : at::gelu(n));
}

ClipVisionEncoder::ClipVisionEncoder(const WeightMap& w, const ImageEncoderConfig& config)
    : config_(config),
      class_embedding_(w.get("embeddings.class_embedding", {config.hidden_size})),
      patch_weight_(w.get("embeddings.patch_embedding.weight",
                          {config.hidden_size, 3, config.patch_size, config.patch_size})),
      position_embedding_(
          w.get("embeddings.position_embedding.weight", {config.tokens(), config.hidden_size})),
      pre_layrnorm_(w.scope("pre_layrnorm"), config.hidden_size, config.layer_norm_eps) {
  for (int64_t i = 0; i + 1 < config.num_hidden_layers; ++i) {
    layers_.emplace_back(w.scope("encoder.layers").scope(i), config);
  }
}

Tensor ClipVisionEncoder::operator()(const Tensor& pixels) const {
  const std::vector<int64_t> stride(2, config_.patch_size);
  const Tensor patches = at::conv2d(pixels.to(patch_weight_.device()), patch_weight_, Tensor(),
                                    at::IntArrayRef(stride))
                             .flatten(2)
                             .transpose(1, 2);
  const Tensor first = class_embedding_.expand({pixels.size(0), 1, -1});
  Tensor x = pre_layrnorm_(at::cat({first, patches}, 1) + position_embedding_);
  for (const ClipLayer& layer : layers_) x = layer(x);
  return x;
}

ClipVisionEncoder load_clip(const LoadContext& context) {
  const ModelComponent files = context.model->component("image_encoder");
  const ImageEncoderConfig config =
      parse_image_encoder_config(files.config, "image_encoder/config.json");
  const WeightMap all = WeightMap::open(files, context.device, {});
  // Saved from CLIPVisionModel without the prefix, from every larger model with it.
  const std::string prefix = all.has("embeddings.class_embedding") ? "" : "vision_model.";
  const WeightMap w = prefix.empty() ? all : all.scope("vision_model");
  ClipVisionEncoder encoder(w, config);
  const std::string last = std::to_string(config.num_hidden_layers - 1);
  all.fill({prefix + "encoder.layers." + last + ".", prefix + "post_layernorm.",
            prefix + "embeddings.position_ids", "visual_projection.", "text_model.",
            "text_projection.", "logit_scale"});
  return encoder;
}

}  // namespace genvid::wan
