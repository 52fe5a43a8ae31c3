// What a Wan checkpoint's config files say, read without torch. Unknown keys are ignored; every key
// that is used is checked for type and range, and so is what the components must agree on. Defaults
// are those of the diffusers 0.42 classes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model_folder.h"

namespace genvid::wan {

// transformer/config.json, WanTransformer3DModel; or SkyReelsV2Transformer3DModel, which is the
// same network but for the last three members.
struct TransformerConfig {
  std::array<int64_t, 3> patch_size{1, 2, 2};  // frames (always 1), rows, columns
  int64_t num_attention_heads = 40;
  int64_t attention_head_dim = 128;
  int64_t in_channels = 16;
  int64_t out_channels = 16;
  int64_t text_dim = 4096;
  int64_t freq_dim = 256;
  int64_t ffn_dim = 13824;
  int64_t num_layers = 40;
  bool cross_attn_norm = true;
  double eps = 1e-6;
  int64_t image_dim = 0;          // width of the image encoder's tokens; 0 = no image tokens
  int64_t pos_embed_seq_len = 0;  // tokens of all images together; 0 = no position table
  int64_t rope_max_seq_len = 1024;
  bool fp64_time = false;           // sinusoids of timesteps are computed in fp64
  bool inject_sample_info = false;  // is told whether the clip has 16 frames a second
  int64_t num_frame_per_block = 1;  // > 1: latent frames see their block and earlier ones only

  int64_t dim() const { return num_attention_heads * attention_head_dim; }
};

// vae/config.json, AutoencoderKLWan.
struct VaeConfig {
  int64_t base_dim = 96;
  int64_t decoder_base_dim = 96;
  int64_t z_dim = 16;
  std::vector<int64_t> dim_mult{1, 2, 4, 4};
  int64_t num_res_blocks = 2;
  std::vector<bool> temperal_downsample{false, true, true};
  bool is_residual = false;
  int64_t in_channels = 3;   // 3 * patch_size^2
  int64_t out_channels = 3;  // 3 * patch_size^2
  int64_t patch_size = 1;
  int64_t scale_factor_temporal = 4;
  int64_t scale_factor_spatial = 8;
  std::vector<double> latents_mean;  // z_dim values
  std::vector<double> latents_std;   // z_dim values, all > 0
};

// text_encoder/config.json, UMT5EncoderModel.
struct TextEncoderConfig {
  int64_t vocab_size = 256384;
  int64_t d_model = 4096;
  int64_t d_kv = 64;
  int64_t d_ff = 10240;
  int64_t num_layers = 24;
  int64_t num_heads = 64;
  int64_t relative_attention_num_buckets = 32;
  int64_t relative_attention_max_distance = 128;
  double layer_norm_epsilon = 1e-6;
};

// image_encoder/config.json, CLIPVisionModel.
struct ImageEncoderConfig {
  int64_t hidden_size = 768;
  int64_t intermediate_size = 3072;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t image_size = 224;
  int64_t patch_size = 32;
  double layer_norm_eps = 1e-5;
  bool quick_gelu = true;  // else the exact gelu

  int64_t tokens() const { return (image_size / patch_size) * (image_size / patch_size) + 1; }
};

// image_processor/preprocessor_config.json, CLIPImageProcessor.
struct ImageProcessorConfig {
  int64_t shortest_edge = 224;
  int64_t crop_size = 224;
  std::array<double, 3> mean{0.48145466, 0.4578275, 0.40821073};
  std::array<double, 3> std{0.26862954, 0.26130258, 0.27577711};
};

// scheduler/scheduler_config.json.
struct SchedulerConfig {
  std::string name = "unipc";  // as make_scheduler takes it
  double shift = 1.0;
};

struct ModelConfig {
  TransformerConfig transformer;
  std::optional<TransformerConfig> transformer_2;
  VaeConfig vae;
  TextEncoderConfig text_encoder;
  std::optional<ImageEncoderConfig> image_encoder;
  std::optional<ImageProcessorConfig> image_processor;
  SchedulerConfig scheduler;
  double boundary_ratio =
      0;  // t >= boundary_ratio * 1000 runs transformer; 0 without transformer_2
  bool expand_timesteps = false;   // one timestep per latent frame, known frames at 0
  bool diffusion_forcing = false;  // the same, any timestep in any frame (SkyReels-V2 DF)

  // The first latent frame may be a given picture's.
  bool pins_frames() const { return expand_timesteps || diffusion_forcing; }
  // The transformer takes a mask and an encoded video beside the latents.
  bool concat_condition() const { return transformer.in_channels != vae.z_dim; }
};

// Whether model_index.json's class is one of SkyReels-V2's for diffusion forcing.
bool is_diffusion_forcing(const std::string& pipeline_class);

// One file each; `what` names it in messages. Throw Error(kModel).
TransformerConfig parse_transformer_config(const Json& json, const std::string& what);
VaeConfig parse_vae_config(const Json& json, const std::string& what);
TextEncoderConfig parse_text_encoder_config(const Json& json, const std::string& what);
ImageEncoderConfig parse_image_encoder_config(const Json& json, const std::string& what);
ImageProcessorConfig parse_image_processor_config(const Json& json, const std::string& what);
SchedulerConfig parse_scheduler_config(const Json& json, const std::string& what);

// All of a model folder, and what its components must agree on. Throws Error(kModel).
ModelConfig read_model_config(const ModelFolder& model);

}  // namespace genvid::wan
