#include "families/wan/config.h"

#include <cmath>

#include "core/log.h"

namespace genvid::wan {
namespace {

constexpr ErrorKind kKind = ErrorKind::kModel;
constexpr int64_t kMaxWidth = 1 << 17;

[[noreturn]] void fail(const std::string& message) { throw Error(kKind, message); }

void require(bool ok, const std::string& what, const std::string& problem) {
  if (!ok) fail(what + ": " + problem);
}

// A key that configs write as null for "none".
int64_t integer_or_none(const JsonObject& o, const std::string& key, int64_t none, int64_t lo,
                        int64_t hi) {
  return o.has(key) ? o.require_integer(key, lo, hi) : none;
}

void require_string(const JsonObject& o, const std::string& what, const std::string& key,
                    const std::string& expected) {
  const std::string value = o.has(key) ? o.string(key, expected) : expected;
  require(
      value == expected, what,
      key + " is \"" + log::printable(value) + "\", but only \"" + expected + "\" is supported");
}

void require_flag(const JsonObject& o, const std::string& what, const std::string& key,
                  bool expected) {
  const bool value = o.has(key) ? o.boolean(key, expected) : expected;
  require(value == expected, what,
          key + (expected ? " is false, but must be true" : " is true, but must be false"));
}

// The tables of Wan 2.1, which configs of that time leave out.
const std::vector<double> kLatentsMean21 = {-0.7571, -0.7089, -0.9113, 0.1075,  -0.1745, 0.9653,
                                            -0.1517, 1.5508,  0.4134,  -0.0715, 0.5517,  -0.3632,
                                            -0.1922, -0.9497, 0.2503,  -0.2921};
const std::vector<double> kLatentsStd21 = {2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708,
                                           2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579,
                                           1.6382, 1.1253, 2.8251, 1.9160};

void check_vae(const VaeConfig& c, const std::string& what) {
  require(c.temperal_downsample.size() + 1 == c.dim_mult.size(), what,
          "temperal_downsample has " + std::to_string(c.temperal_downsample.size()) +
              " values, but dim_mult has " + std::to_string(c.dim_mult.size()) +
              " (one more is expected)");
  const int64_t pixels = 3 * c.patch_size * c.patch_size;
  require(c.in_channels == pixels && c.out_channels == pixels, what,
          "in_channels " + std::to_string(c.in_channels) + " and out_channels " +
              std::to_string(c.out_channels) +
              " must be 3 * patch_size^2 = " + std::to_string(pixels));
  int64_t temporal = 1;
  for (const bool down : c.temperal_downsample) temporal *= down ? 2 : 1;
  const int64_t spatial = (int64_t{1} << c.temperal_downsample.size()) * c.patch_size;
  require(c.scale_factor_temporal == temporal && c.scale_factor_spatial == spatial, what,
          "scale factors " + std::to_string(c.scale_factor_temporal) + " and " +
              std::to_string(c.scale_factor_spatial) + " are not what the blocks give (" +
              std::to_string(temporal) + " and " + std::to_string(spatial) + ")");
  const auto z = static_cast<size_t>(c.z_dim);
  require(c.latents_mean.size() == z && c.latents_std.size() == z, what,
          "latents_mean and latents_std must have z_dim = " + std::to_string(z) +
              " values, but have " + std::to_string(c.latents_mean.size()) + " and " +
              std::to_string(c.latents_std.size()));
  for (const double s : c.latents_std) {
    require(std::isfinite(s) && s > 1e-6 && s < 1e6, what,
            "latents_std has a value of " + std::to_string(s));
  }
  for (const double m : c.latents_mean) {
    require(std::isfinite(m) && std::abs(m) < 1e6, what,
            "latents_mean has a value of " + std::to_string(m));
  }
}

std::string channels(int64_t n) { return std::to_string(n) + " channels"; }

void check_transformer(const ModelConfig& m, const TransformerConfig& t, const std::string& what) {
  const int64_t z = m.vae.z_dim;
  const int64_t with_condition = 2 * z + m.vae.scale_factor_temporal;
  require(t.out_channels == z, what,
          "makes " + channels(t.out_channels) + ", but the vae's latents have " + channels(z));
  require(t.in_channels == z || t.in_channels == with_condition, what,
          "takes " + channels(t.in_channels) + ", expected " + std::to_string(z) +
              " (text to video) or " + std::to_string(with_condition) + " (with an image)");
  require(t.text_dim == m.text_encoder.d_model, what,
          "text_dim is " + std::to_string(t.text_dim) + ", but the text encoder's d_model is " +
              std::to_string(m.text_encoder.d_model));
  if (t.image_dim == 0) return;
  require(m.image_encoder.has_value(), what,
          "image_dim is set, but the model has no image_encoder");
  require(t.image_dim == m.image_encoder->hidden_size, what,
          "image_dim is " + std::to_string(t.image_dim) +
              ", but the image encoder's hidden_size is " +
              std::to_string(m.image_encoder->hidden_size));
  const int64_t two = 2 * m.image_encoder->tokens();
  require(t.pos_embed_seq_len == 0 || t.pos_embed_seq_len == two, what,
          "pos_embed_seq_len is " + std::to_string(t.pos_embed_seq_len) + ", but two images have " +
              std::to_string(two) + " tokens");
}

void check_model(const ModelConfig& m) {
  check_transformer(m, m.transformer, "transformer/config.json");
  if (m.diffusion_forcing) {
    require(!m.transformer_2 && !m.expand_timesteps && !m.concat_condition(), "model_index.json",
            "diffusion forcing has one transformer with the latents' channels alone");
  }
  if (!m.transformer_2) return;
  check_transformer(m, *m.transformer_2, "transformer_2/config.json");
  require(m.transformer_2->in_channels == m.transformer.in_channels &&
              m.transformer_2->patch_size == m.transformer.patch_size,
          "transformer_2/config.json", "in_channels and patch_size differ from transformer's");
}

}  // namespace

bool is_diffusion_forcing(const std::string& pipeline_class) {
  return pipeline_class == "SkyReelsV2DiffusionForcingPipeline" ||
         pipeline_class == "SkyReelsV2DiffusionForcingImageToVideoPipeline" ||
         pipeline_class == "SkyReelsV2DiffusionForcingVideoToVideoPipeline";
}

TransformerConfig parse_transformer_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  TransformerConfig c;
  if (o.string("_class_name", "") == "SkyReelsV2Transformer3DModel") {
    c.num_attention_heads = 16;
    c.ffn_dim = 8192;
    c.num_layers = 32;
    c.fp64_time = true;
    c.inject_sample_info = o.boolean("inject_sample_info", false);
    c.num_frame_per_block = o.integer("num_frame_per_block", 1, 1, 1024);
  }
  const auto patch = o.integers("patch_size", {1, 2, 2}, 1, 8, 3);
  require(patch.size() == 3 && patch[0] == 1, what, "patch_size must be [1, rows, columns]");
  c.patch_size = {patch[0], patch[1], patch[2]};
  c.num_attention_heads = o.integer("num_attention_heads", c.num_attention_heads, 1, 1024);
  c.attention_head_dim = o.integer("attention_head_dim", c.attention_head_dim, 6, 1024);
  require(c.attention_head_dim % 2 == 0, what, "attention_head_dim must be even");
  require(c.dim() <= kMaxWidth, what, "num_attention_heads * attention_head_dim is too large");
  c.in_channels = o.integer("in_channels", c.in_channels, 1, 4096);
  c.out_channels = integer_or_none(o, "out_channels", c.in_channels, 1, 4096);
  if (!json.contains("out_channels")) c.out_channels = 16;
  c.text_dim = o.integer("text_dim", c.text_dim, 1, kMaxWidth);
  c.freq_dim = o.integer("freq_dim", c.freq_dim, 2, kMaxWidth);
  require(c.freq_dim % 2 == 0, what, "freq_dim must be even");
  c.ffn_dim = o.integer("ffn_dim", c.ffn_dim, 1, 8 * kMaxWidth);
  c.num_layers = o.integer("num_layers", c.num_layers, 1, 1024);
  c.cross_attn_norm = o.boolean("cross_attn_norm", c.cross_attn_norm);
  c.eps = o.number("eps", c.eps, 0, 1);
  require_string(o, what, "qk_norm", "rms_norm_across_heads");
  c.rope_max_seq_len = o.integer("rope_max_seq_len", c.rope_max_seq_len, 1, 1 << 20);
  c.image_dim = integer_or_none(o, "image_dim", 0, 1, kMaxWidth);
  c.pos_embed_seq_len = integer_or_none(o, "pos_embed_seq_len", 0, 1, 1 << 20);
  const int64_t added = integer_or_none(o, "added_kv_proj_dim", 0, 1, kMaxWidth);
  require(added == (c.image_dim > 0 ? c.dim() : 0), what,
          "added_kv_proj_dim must be num_attention_heads * attention_head_dim with image_dim, "
          "and null without");
  require(c.pos_embed_seq_len == 0 || c.image_dim > 0, what, "pos_embed_seq_len needs image_dim");
  return c;
}

VaeConfig parse_vae_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  VaeConfig c;
  c.base_dim = o.integer("base_dim", c.base_dim, 1, 4096);
  c.decoder_base_dim = integer_or_none(o, "decoder_base_dim", c.base_dim, 1, 4096);
  c.z_dim = o.integer("z_dim", c.z_dim, 1, 1024);
  c.dim_mult = o.integers("dim_mult", c.dim_mult, 1, 64, 8);
  c.num_res_blocks = o.integer("num_res_blocks", c.num_res_blocks, 1, 64);
  c.temperal_downsample = o.booleans("temperal_downsample", c.temperal_downsample, 8);
  c.is_residual = o.boolean("is_residual", c.is_residual);
  c.in_channels = o.integer("in_channels", c.in_channels, 1, 4096);
  c.out_channels = o.integer("out_channels", c.out_channels, 1, 4096);
  c.patch_size = integer_or_none(o, "patch_size", 1, 1, 8);
  c.scale_factor_temporal = o.integer("scale_factor_temporal", c.scale_factor_temporal, 1, 256);
  c.scale_factor_spatial = o.integer("scale_factor_spatial", c.scale_factor_spatial, 1, 2048);
  c.latents_mean = o.numbers("latents_mean", kLatentsMean21, 1024);
  c.latents_std = o.numbers("latents_std", kLatentsStd21, 1024);
  require(o.numbers("attn_scales", {}, 64).empty(), what,
          "attn_scales is not empty; attention inside the blocks is not supported");
  check_vae(c, what);
  return c;
}

TextEncoderConfig parse_text_encoder_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  TextEncoderConfig c;
  require_string(o, what, "model_type", "umt5");
  require_string(o, what, "feed_forward_proj", "gated-gelu");
  require_string(o, what, "dense_act_fn", "gelu_new");
  c.vocab_size = o.integer("vocab_size", c.vocab_size, 3, 16 << 20);
  c.d_model = o.integer("d_model", c.d_model, 1, kMaxWidth);
  c.d_kv = o.integer("d_kv", c.d_kv, 1, 4096);
  c.d_ff = o.integer("d_ff", c.d_ff, 1, 8 * kMaxWidth);
  c.num_layers = o.integer("num_layers", c.num_layers, 1, 1024);
  c.num_heads = o.integer("num_heads", c.num_heads, 1, 1024);
  c.relative_attention_num_buckets =
      o.integer("relative_attention_num_buckets", c.relative_attention_num_buckets, 4, 4096);
  require(c.relative_attention_num_buckets % 4 == 0, what,
          "relative_attention_num_buckets must be a multiple of 4");
  c.relative_attention_max_distance =
      o.integer("relative_attention_max_distance", c.relative_attention_max_distance,
                c.relative_attention_num_buckets / 4 + 1, 1 << 20);
  c.layer_norm_epsilon = o.number("layer_norm_epsilon", c.layer_norm_epsilon, 0, 1);
  return c;
}

ImageEncoderConfig parse_image_encoder_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  ImageEncoderConfig c;
  c.hidden_size = o.integer("hidden_size", c.hidden_size, 1, kMaxWidth);
  c.intermediate_size = o.integer("intermediate_size", c.intermediate_size, 1, 8 * kMaxWidth);
  c.num_hidden_layers = o.integer("num_hidden_layers", c.num_hidden_layers, 2, 1024);
  c.num_attention_heads = o.integer("num_attention_heads", c.num_attention_heads, 1, 1024);
  require(c.hidden_size % c.num_attention_heads == 0, what,
          "hidden_size must be a multiple of num_attention_heads");
  c.image_size = o.integer("image_size", c.image_size, 1, 4096);
  c.patch_size = o.integer("patch_size", c.patch_size, 1, c.image_size);
  require(c.patch_size <= c.image_size, what,
          "patch_size is left out, but image_size is less than " + std::to_string(c.patch_size));
  c.layer_norm_eps = o.number("layer_norm_eps", c.layer_norm_eps, 0, 1);
  require(o.integer("num_channels", 3, 1, 4096) == 3, what, "num_channels must be 3");
  const std::string act = o.string("hidden_act", "quick_gelu");
  require(act == "gelu" || act == "quick_gelu", what,
          "hidden_act is \"" + log::printable(act) +
              "\", but only \"gelu\" and \"quick_gelu\" are supported");
  c.quick_gelu = act == "quick_gelu";
  return c;
}

ImageProcessorConfig parse_image_processor_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  ImageProcessorConfig c;
  for (const char* key : {"do_resize", "do_center_crop", "do_rescale", "do_normalize"}) {
    require_flag(o, what, key, true);
  }
  require(o.integer("resample", 3, 0, 5) == 3, what, "resample must be 3 (bicubic)");
  require(std::abs(o.number("rescale_factor", 1.0 / 255, 0, 1) - 1.0 / 255) < 1e-9, what,
          "rescale_factor must be 1/255");
  // Either a number or an object, as the class has changed over time.
  const auto edge = [&](const std::string& key, const std::string& inner, int64_t fallback) {
    if (!o.has(key)) return fallback;
    if (!json.at(key).is_object()) return o.require_integer(key, 1, 4096);
    return JsonObject(json.at(key), what + ": " + key, kKind).require_integer(inner, 1, 4096);
  };
  c.shortest_edge = edge("size", "shortest_edge", c.shortest_edge);
  c.crop_size = edge("crop_size", "height", c.crop_size);
  require(edge("crop_size", "width", c.crop_size) == c.crop_size, what, "crop_size is not square");
  require(c.crop_size <= c.shortest_edge, what, "crop_size is larger than size");
  const auto colours = [&](const std::string& key, std::array<double, 3>& out) {
    const auto v = o.numbers(key, {out[0], out[1], out[2]}, 3);
    require(v.size() == 3, what, key + " must have 3 values");
    out = {v[0], v[1], v[2]};
  };
  colours("image_mean", c.mean);
  colours("image_std", c.std);
  for (const double s : c.std) require(s > 1e-6, what, "image_std must be positive");
  return c;
}

SchedulerConfig parse_scheduler_config(const Json& json, const std::string& what) {
  const JsonObject o(json, what, kKind);
  SchedulerConfig c;
  require(o.integer("num_train_timesteps", 1000, 1, 1 << 20) == 1000, what,
          "num_train_timesteps must be 1000");
  for (const char* key : {"use_dynamic_shifting", "use_karras_sigmas", "use_exponential_sigmas",
                          "use_beta_sigmas", "thresholding"}) {
    require_flag(o, what, key, false);
  }
  const std::string name = o.string("_class_name", "UniPCMultistepScheduler");
  if (name == "FlowMatchEulerDiscreteScheduler") {
    c.name = "euler";
    c.shift = o.number("shift", 1.0, 1e-3, 1e3);
    return c;
  }
  require(name == "UniPCMultistepScheduler", what,
          "_class_name is " + log::printable(name) +
              "; supported: UniPCMultistepScheduler, FlowMatchEulerDiscreteScheduler");
  require_flag(o, what, "use_flow_sigmas", true);
  require_flag(o, what, "predict_x0", true);
  require_flag(o, what, "lower_order_final", true);
  require_string(o, what, "prediction_type", "flow_prediction");
  require_string(o, what, "solver_type", "bh2");
  require_string(o, what, "final_sigmas_type", "zero");
  require(o.integer("solver_order", 2, 1, 16) == 2, what, "solver_order must be 2");
  c.shift = o.number("flow_shift", 1.0, 1e-3, 1e3);
  return c;
}

ModelConfig read_model_config(const ModelFolder& model) {
  const auto read = [&](const std::string& component, const std::string& file, auto parse) {
    const Json json = model.config(component, file);
    return parse(json, component + "/" + file);
  };
  ModelConfig m;
  m.vae = read("vae", "config.json", parse_vae_config);
  m.text_encoder = read("text_encoder", "config.json", parse_text_encoder_config);
  m.scheduler = read("scheduler", "scheduler_config.json", parse_scheduler_config);
  m.transformer = read("transformer", "config.json", parse_transformer_config);
  if (model.has("image_encoder")) {
    m.image_encoder = read("image_encoder", "config.json", parse_image_encoder_config);
    m.image_processor = ImageProcessorConfig();
    if (model.has("image_processor")) {
      m.image_processor =
          read("image_processor", "preprocessor_config.json", parse_image_processor_config);
    }
    require(m.image_processor->crop_size == m.image_encoder->image_size,
            "image_processor/preprocessor_config.json",
            "crop_size differs from the image encoder's image_size");
  }
  const JsonObject index(model.index(), "model_index.json", kKind);
  m.expand_timesteps = index.boolean("expand_timesteps", false);
  m.diffusion_forcing = is_diffusion_forcing(index.string("_class_name", ""));
  // Some published 2.1 conversions name a boundary without a second transformer: it means nothing.
  if (model.has("transformer_2")) {
    m.transformer_2 = read("transformer_2", "config.json", parse_transformer_config);
    m.boundary_ratio = index.number("boundary_ratio", 0.875, 0, 1);
    require(index.has("boundary_ratio"), "model_index.json",
            "names transformer_2, but no boundary_ratio");
  }
  check_model(m);
  return m;
}

}  // namespace genvid::wan
