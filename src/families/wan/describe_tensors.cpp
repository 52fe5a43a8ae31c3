// The tensors of each component, named and shaped as diffusers and transformers save them.
#include "families/tensor_list.h"
#include "families/wan/describe.h"

namespace genvid::wan {
namespace {

void transformer_block(TensorList& t, const TransformerConfig& c, const std::string& b) {
  const int64_t d = c.dim();
  for (const char* attention : {".attn1", ".attn2"}) {
    for (const char* p : {".to_q", ".to_k", ".to_v", ".to_out.0"})
      t.layer(b + attention + p, {d, d});
    for (const char* n : {".norm_q", ".norm_k"}) t.add(b + attention + n + ".weight", {d});
  }
  if (c.image_dim > 0) {
    t.layer(b + ".attn2.add_k_proj", {d, d});
    t.layer(b + ".attn2.add_v_proj", {d, d});
    t.add(b + ".attn2.norm_added_k.weight", {d});
  }
  if (c.cross_attn_norm) t.norm(b + ".norm2", d);
  t.layer(b + ".ffn.net.0.proj", {c.ffn_dim, d});
  t.layer(b + ".ffn.net.2", {d, c.ffn_dim});
  t.add(b + ".scale_shift_table", {1, 6, d});
}

void transformer(TensorList t, const TransformerConfig& c) {
  const int64_t d = c.dim();
  const auto& p = c.patch_size;
  t.layer("patch_embedding", {d, c.in_channels, p[0], p[1], p[2]});
  const std::string e = "condition_embedder.";
  t.layer(e + "time_embedder.linear_1", {d, c.freq_dim});
  t.layer(e + "time_embedder.linear_2", {d, d});
  t.layer(e + "time_proj", {6 * d, d});
  t.layer(e + "text_embedder.linear_1", {d, c.text_dim});
  t.layer(e + "text_embedder.linear_2", {d, d});
  if (c.image_dim > 0) {
    const std::string i = e + "image_embedder.";
    t.norm(i + "norm1", c.image_dim);
    t.layer(i + "ff.net.0.proj", {c.image_dim, c.image_dim});
    t.layer(i + "ff.net.2", {d, c.image_dim});
    t.norm(i + "norm2", d);
    if (c.pos_embed_seq_len > 0) t.add(i + "pos_embed", {1, c.pos_embed_seq_len, c.image_dim});
  }
  for (int64_t n = 0; n < c.num_layers; ++n) transformer_block(t, c, "blocks." + std::to_string(n));
  if (c.inject_sample_info) {
    t.add("fps_embedding.weight", {2, d});
    t.layer("fps_projection.net.0.proj", {d, d});
    t.layer("fps_projection.net.2", {6 * d, d});
  }
  t.layer("proj_out", {c.out_channels * p[0] * p[1] * p[2], d});
  t.add("scale_shift_table", {1, 2, d});
}

void text_encoder(TensorList t, const TextEncoderConfig& c) {
  const int64_t inner = c.num_heads * c.d_kv;
  t.add("shared.weight", {c.vocab_size, c.d_model});
  t.optional("encoder.embed_tokens.weight", {c.vocab_size, c.d_model});  // an alias
  for (int64_t n = 0; n < c.num_layers; ++n) {
    const std::string b = "encoder.block." + std::to_string(n) + ".layer.";
    t.add(b + "0.layer_norm.weight", {c.d_model});
    for (const char* p : {"q", "k", "v"}) {
      t.add(b + "0.SelfAttention." + p + ".weight", {inner, c.d_model});
    }
    t.add(b + "0.SelfAttention.o.weight", {c.d_model, inner});
    t.add(b + "0.SelfAttention.relative_attention_bias.weight",
          {c.relative_attention_num_buckets, c.num_heads});
    t.add(b + "1.layer_norm.weight", {c.d_model});
    t.add(b + "1.DenseReluDense.wi_0.weight", {c.d_ff, c.d_model});
    t.add(b + "1.DenseReluDense.wi_1.weight", {c.d_ff, c.d_model});
    t.add(b + "1.DenseReluDense.wo.weight", {c.d_model, c.d_ff});
  }
  t.add("encoder.final_layer_norm.weight", {c.d_model});
}

void image_encoder(TensorList t, const ImageEncoderConfig& c) {
  const int64_t d = c.hidden_size;
  const std::string v = "vision_model.";
  t.add(v + "embeddings.class_embedding", {d});
  t.add(v + "embeddings.patch_embedding.weight", {d, 3, c.patch_size, c.patch_size});
  t.add(v + "embeddings.position_embedding.weight", {c.tokens(), d});
  t.optional(v + "embeddings.position_ids", {1, c.tokens()});  // older transformers saved it
  t.norm(v + "pre_layrnorm", d);                               // sic
  for (int64_t n = 0; n < c.num_hidden_layers; ++n) {
    const std::string l = v + "encoder.layers." + std::to_string(n);
    for (const char* p : {"q_proj", "k_proj", "v_proj", "out_proj"}) {
      t.layer(l + ".self_attn." + p, {d, d});
    }
    t.norm(l + ".layer_norm1", d);
    t.layer(l + ".mlp.fc1", {c.intermediate_size, d});
    t.layer(l + ".mlp.fc2", {d, c.intermediate_size});
    t.norm(l + ".layer_norm2", d);
  }
  // After the layer whose output is used: not needed, and absent from some exports.
  t.optional(v + "post_layernorm.weight", {d});
  t.optional(v + "post_layernorm.bias", {d});
  t.optional("visual_projection.weight", {});  // its width is that of another model
}

void vae_resnet(TensorList& t, const std::string& name, int64_t in, int64_t out) {
  t.add(name + ".norm1.gamma", {in, 1, 1, 1});
  t.layer(name + ".conv1", {out, in, 3, 3, 3});
  t.add(name + ".norm2.gamma", {out, 1, 1, 1});
  t.layer(name + ".conv2", {out, out, 3, 3, 3});
  if (in != out) t.layer(name + ".conv_shortcut", {out, in, 1, 1, 1});
}

void vae_mid_block(TensorList& t, const std::string& name, int64_t d) {
  vae_resnet(t, name + ".resnets.0", d, d);
  t.add(name + ".attentions.0.norm.gamma", {d, 1, 1});
  t.layer(name + ".attentions.0.to_qkv", {3 * d, d, 1, 1});
  t.layer(name + ".attentions.0.proj", {d, d, 1, 1});
  vae_resnet(t, name + ".resnets.1", d, d);
}

void vae_encoder(TensorList& t, const VaeConfig& c) {
  int64_t in = c.base_dim;
  t.layer("encoder.conv_in", {in, c.in_channels, 3, 3, 3});
  size_t flat = 0;  // 2.1 numbers resnets and samplers of all levels in one list
  for (size_t i = 0; i < c.dim_mult.size(); ++i) {
    const int64_t out = c.base_dim * c.dim_mult[i];
    const std::string block = "encoder.down_blocks." + std::to_string(i);
    const auto next = [&] { return "encoder.down_blocks." + std::to_string(flat++); };
    for (int64_t r = 0; r < c.num_res_blocks; ++r) {
      vae_resnet(t, c.is_residual ? block + ".resnets." + std::to_string(r) : next(), in, out);
      in = out;
    }
    if (i + 1 == c.dim_mult.size()) break;
    const std::string sampler = c.is_residual ? block + ".downsampler" : next();
    t.layer(sampler + ".resample.1", {out, out, 3, 3});
    if (c.temperal_downsample[i]) t.layer(sampler + ".time_conv", {out, out, 3, 1, 1});
  }
  vae_mid_block(t, "encoder.mid_block", in);
  t.add("encoder.norm_out.gamma", {in, 1, 1, 1});
  t.layer("encoder.conv_out", {2 * c.z_dim, in, 3, 3, 3});
}

void vae_decoder(TensorList& t, const VaeConfig& c) {
  const size_t levels = c.dim_mult.size();
  int64_t in = c.decoder_base_dim * c.dim_mult.back();
  t.layer("decoder.conv_in", {in, c.z_dim, 3, 3, 3});
  vae_mid_block(t, "decoder.mid_block", in);
  for (size_t i = 0; i < levels; ++i) {
    const int64_t out = c.decoder_base_dim * c.dim_mult[levels - 1 - i];
    const std::string block = "decoder.up_blocks." + std::to_string(i);
    for (int64_t r = 0; r <= c.num_res_blocks; ++r) {
      vae_resnet(t, block + ".resnets." + std::to_string(r), in, out);
      in = out;
    }
    if (i + 1 == levels) break;
    const std::string sampler = block + (c.is_residual ? ".upsampler" : ".upsamplers.0");
    const int64_t up = c.is_residual ? out : out / 2;
    t.layer(sampler + ".resample.1", {up, out, 3, 3});
    if (c.temperal_downsample[levels - 2 - i])
      t.layer(sampler + ".time_conv", {2 * out, out, 3, 1, 1});
    in = up;
  }
  t.add("decoder.norm_out.gamma", {in, 1, 1, 1});
  t.layer("decoder.conv_out", {c.out_channels, in, 3, 3, 3});
}

}  // namespace

std::vector<ExpectedTensor> expected_tensors(const ModelConfig& c) {
  std::vector<ExpectedTensor> out;
  text_encoder(TensorList(out, "text_encoder"), c.text_encoder);
  if (c.image_encoder) image_encoder(TensorList(out, "image_encoder"), *c.image_encoder);
  transformer(TensorList(out, "transformer"), c.transformer);
  if (c.transformer_2) transformer(TensorList(out, "transformer_2"), *c.transformer_2);
  TensorList vae(out, "vae");
  vae_encoder(vae, c.vae);
  vae.layer("quant_conv", {2 * c.vae.z_dim, 2 * c.vae.z_dim, 1, 1, 1});
  vae.layer("post_quant_conv", {c.vae.z_dim, c.vae.z_dim, 1, 1, 1});
  vae_decoder(vae, c.vae);
  return out;
}

}  // namespace genvid::wan
