// Config files of Wan checkpoints: defaults, unknown keys, and what is refused.
#include "families/wan/config.h"

#include <gtest/gtest.h>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid::wan {
namespace {

using test::expect_error;

const std::string kModels = std::string(GENVID_SOURCE_DIR) + "/models/";

TEST(WanConfig, DefaultsAreThoseOfTheReferenceClasses) {
  const TransformerConfig t = parse_transformer_config(Json::object(), "t");
  EXPECT_EQ(t.dim(), 5120);
  EXPECT_EQ(t.num_layers, 40);
  EXPECT_EQ(t.out_channels, 16);
  EXPECT_EQ(t.rope_max_seq_len, 1024);
  EXPECT_DOUBLE_EQ(t.eps, 1e-6);
  EXPECT_EQ(t.image_dim, 0);
  const VaeConfig v = parse_vae_config(Json::object(), "v");
  EXPECT_EQ(v.z_dim, 16);
  EXPECT_EQ(v.decoder_base_dim, 96);
  ASSERT_EQ(v.latents_mean.size(), 16U);
  EXPECT_DOUBLE_EQ(v.latents_mean[0], -0.7571);
  EXPECT_DOUBLE_EQ(v.latents_std[15], 1.9160);
  EXPECT_TRUE(parse_image_encoder_config(Json::object(), "i").quick_gelu);
  EXPECT_EQ(parse_image_processor_config(Json::object(), "p").crop_size, 224);
}

TEST(WanConfig, UnknownKeysAndNullsAreNotAnError) {
  const Json json = {{"clip_output", false},
                     {"out_channels", nullptr},
                     {"in_channels", 48},
                     {"image_dim", nullptr},
                     {"added_kv_proj_dim", nullptr},
                     {"pos_embed_seq_len", nullptr},
                     {"qk_norm", "rms_norm_across_heads"}};
  const TransformerConfig t = parse_transformer_config(json, "t");
  EXPECT_EQ(t.out_channels, 48) << "null means as many as go in";
  EXPECT_EQ(t.image_dim, 0);
}

TEST(WanConfig, EveryUsedKeyIsChecked) {
  const auto transformer = [](Json json, const std::string& part) {
    expect_error(ErrorKind::kModel, part, [&] { parse_transformer_config(json, "t.json"); });
  };
  transformer({{"num_layers", 0}}, "num_layers");
  transformer({{"num_layers", "40"}}, "num_layers");
  transformer({{"attention_head_dim", 15}}, "attention_head_dim must be even");
  transformer({{"patch_size", {2, 2, 2}}}, "patch_size");
  transformer({{"patch_size", {1, 2}}}, "patch_size");
  transformer({{"qk_norm", "layer_norm"}}, "qk_norm");
  transformer({{"image_dim", 1280}}, "added_kv_proj_dim");
  transformer({{"pos_embed_seq_len", 514}}, "needs image_dim");
  transformer({{"num_attention_heads", 1024}, {"attention_head_dim", 1024}}, "too large");

  const auto vae = [](Json json, const std::string& part) {
    expect_error(ErrorKind::kModel, part, [&] { parse_vae_config(json, "v.json"); });
  };
  vae({{"z_dim", 48}}, "latents_mean and latents_std");
  vae({{"dim_mult", {1, 2}}}, "temperal_downsample has 3 values");
  vae({{"scale_factor_spatial", 16}}, "not what the blocks give (4 and 8)");
  vae({{"patch_size", 2}}, "must be 3 * patch_size^2 = 12");
  vae({{"attn_scales", {0.5}}}, "attn_scales");
  std::vector<double> zero_std(16, 1.0);
  zero_std[3] = 0;
  vae({{"latents_std", zero_std}}, "latents_std has a value of");

  expect_error(ErrorKind::kModel, "model_type is \"t5\"", [] {
    parse_text_encoder_config({{"model_type", "t5"}}, "e.json");
  });
  expect_error(ErrorKind::kModel, "hidden_act is \"relu\"", [] {
    parse_image_encoder_config({{"hidden_act", "relu"}}, "i.json");
  });
  expect_error(ErrorKind::kModel, "hidden_act is \"a\\x1B\"",
               [] {  // nothing that steers a terminal
                 parse_image_encoder_config({{"hidden_act", "a\x1b"}}, "i.json");
               });
  expect_error(ErrorKind::kModel, "patch_size is left out", [] {
    parse_image_encoder_config({{"image_size", 8}}, "i.json");
  });
  expect_error(ErrorKind::kModel, "crop_size is larger", [] {
    parse_image_processor_config({{"size", 100}}, "p.json");
  });
  expect_error(ErrorKind::kModel, "solver_order must be 2", [] {
    parse_scheduler_config({{"solver_order", 3}}, "s.json");
  });
  expect_error(ErrorKind::kModel, "_class_name is DDIMScheduler", [] {
    parse_scheduler_config({{"_class_name", "DDIMScheduler"}}, "s.json");
  });
}

TEST(WanConfig, SchedulersOfBothKinds) {
  const SchedulerConfig unipc = parse_scheduler_config(
      {{"_class_name", "UniPCMultistepScheduler"}, {"flow_shift", 5.0}}, "s");
  EXPECT_EQ(unipc.name, "unipc");
  EXPECT_EQ(unipc.shift, 5.0);
  const SchedulerConfig euler = parse_scheduler_config(
      {{"_class_name", "FlowMatchEulerDiscreteScheduler"}, {"shift", 8.0}}, "s");
  EXPECT_EQ(euler.name, "euler");
  EXPECT_EQ(euler.shift, 8.0);
}

TEST(WanConfig, ReadsEveryTinyCheckpoint) {
  const auto read = [](const std::string& name) {
    return read_model_config(ModelFolder::open(kModels + name));
  };
  EXPECT_FALSE(read("tiny-wan21").concat_condition());
  EXPECT_TRUE(read("tiny-wan21-i2v").image_encoder.has_value());
  EXPECT_EQ(read("tiny-wan21-flf2v").transformer.pos_embed_seq_len, 10);
  EXPECT_DOUBLE_EQ(read("tiny-wan22-a14b").boundary_ratio, 0.875);
  const ModelConfig i2v = read("tiny-wan22-i2v-a14b");
  EXPECT_TRUE(i2v.concat_condition());
  EXPECT_FALSE(i2v.image_encoder.has_value());
  const ModelConfig ti2v = read("tiny-wan22-ti2v");
  EXPECT_TRUE(ti2v.expand_timesteps);
  EXPECT_EQ(ti2v.vae.scale_factor_spatial, 16);
  const ModelConfig df = read("tiny-skyreels-v2-df");
  EXPECT_TRUE(df.diffusion_forcing && df.transformer.fp64_time);
  EXPECT_TRUE(df.transformer.inject_sample_info);
  EXPECT_FALSE(ti2v.diffusion_forcing || ti2v.transformer.fp64_time);
}

TEST(WanConfig, DefaultsOfSkyReelsAreItsOwn) {
  const TransformerConfig t =
      parse_transformer_config({{"_class_name", "SkyReelsV2Transformer3DModel"}}, "t");
  EXPECT_EQ(t.dim(), 2048);
  EXPECT_EQ(t.num_layers, 32);
  EXPECT_EQ(t.ffn_dim, 8192);
  EXPECT_FALSE(t.inject_sample_info);
  EXPECT_EQ(t.num_frame_per_block, 1);
  EXPECT_FALSE(parse_transformer_config({{"inject_sample_info", true}}, "t").inject_sample_info)
      << "other classes know no such key";
}

// A copy of a tiny checkpoint's folder whose files a test may change.
class ChangedModel {
 public:
  explicit ChangedModel(const std::string& name) {
    std::filesystem::copy(kModels + name, dir_.path(),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
  }
  void set(const std::string& file, const std::string& key, const Json& value) {
    Json json = read_json_file(dir_ / file, ErrorKind::kModel);
    json[key] = value;
    test::write_file(dir_ / file, json.dump());
  }
  ModelConfig read() const { return read_model_config(ModelFolder::open(dir_.path())); }

 private:
  test::TempDir dir_;
};

TEST(WanConfig, ComponentsMustAgree) {
  const auto refused = [](const std::string& file, const std::string& key, const Json& value,
                          const std::string& part) {
    ChangedModel model("tiny-wan21-i2v");
    model.set(file, key, value);
    expect_error(ErrorKind::kModel, part, [&] { model.read(); });
  };
  refused("transformer/config.json", "text_dim", 48, "text encoder's d_model is 32");
  refused("transformer/config.json", "in_channels", 20, "takes 20 channels, expected 16");
  refused("transformer/config.json", "out_channels", 8, "makes 8 channels");
  refused("transformer/config.json", "image_dim", 32, "hidden_size is 24");
  refused("transformer/config.json", "pos_embed_seq_len", 7, "two images have 10 tokens");
  refused("model_index.json", "image_encoder", Json::array({nullptr, nullptr}),
          "the model has no image_encoder");
  refused("image_encoder/config.json", "image_size", 42, "crop_size differs");
}

TEST(WanConfig, ABoundaryWithoutASecondExpertMeansNothing) {
  ChangedModel model("tiny-wan21");
  model.set("model_index.json", "boundary_ratio", 0.875);
  EXPECT_EQ(model.read().boundary_ratio, 0);
  ChangedModel experts("tiny-wan22-a14b");
  experts.set("model_index.json", "boundary_ratio", nullptr);
  expect_error(ErrorKind::kModel, "no boundary_ratio", [&] { experts.read(); });
}

}  // namespace
}  // namespace genvid::wan
