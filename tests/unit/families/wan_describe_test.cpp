#include "families/wan/describe.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace genvid::wan {
namespace {

namespace fs = std::filesystem;

const fs::path kModels = fs::path(GENVID_SOURCE_DIR) / "models";

TransformerConfig transformer(int64_t heads, int64_t layers, int64_t ffn, int64_t channels) {
  TransformerConfig c;
  c.num_attention_heads = heads;
  c.num_layers = layers;
  c.ffn_dim = ffn;
  c.in_channels = channels;
  c.out_channels = channels;
  return c;
}

VaeConfig vae21() {
  VaeConfig c;
  c.z_dim = 16;
  return c;
}

VaeConfig vae22() {
  VaeConfig c;
  c.base_dim = 160;
  c.decoder_base_dim = 256;
  c.z_dim = 48;
  c.is_residual = true;
  c.in_channels = c.out_channels = 12;
  c.patch_size = 2;
  c.scale_factor_spatial = 16;
  return c;
}

// The published sizes (models.md of the project's notes; the model cards).
ModelConfig t2v_1_3b() {
  ModelConfig c;
  c.transformer = transformer(12, 30, 8960, 16);
  c.vae = vae21();
  return c;
}
ModelConfig t2v_14b() {
  ModelConfig c = t2v_1_3b();
  c.transformer = transformer(40, 40, 13824, 16);
  return c;
}
ModelConfig i2v_14b() {
  ModelConfig c = t2v_14b();
  c.transformer.in_channels = 36;
  c.transformer.image_dim = 1280;
  ImageEncoderConfig clip;
  clip.hidden_size = 1280;
  clip.intermediate_size = 5120;
  clip.num_hidden_layers = 32;
  clip.num_attention_heads = 16;
  clip.patch_size = 14;
  c.image_encoder = clip;
  return c;
}
ModelConfig ti2v_5b() {
  ModelConfig c;
  c.transformer = transformer(24, 30, 14336, 48);
  c.vae = vae22();
  c.expand_timesteps = true;
  return c;
}

std::map<std::string, double> parameters(const ModelConfig& c) {
  std::map<std::string, double> out;
  for (const ExpectedTensor& t : expected_tensors(c)) {
    if (!t.required) continue;
    double n = 1;
    for (const int64_t d : t.shape) n *= static_cast<double>(d);
    out[t.component] += n;
  }
  return out;
}

void expect_within(double value, double anchor, double fraction) {
  EXPECT_NEAR(value / anchor, 1.0, fraction) << value << " against " << anchor;
}

TEST(WanDescribe, ParametersOfThePublishedSizes) {
  expect_within(parameters(t2v_1_3b())["transformer"], 1.419e9, 1e-3);
  expect_within(parameters(t2v_14b())["transformer"], 14.29e9, 1e-3);
  expect_within(parameters(i2v_14b())["transformer"], 16.39e9, 1e-3);
  expect_within(parameters(ti2v_5b())["transformer"], 5.000e9, 1e-3);
  expect_within(parameters(ti2v_5b())["text_encoder"], 5.681e9, 1e-3);
  expect_within(parameters(t2v_1_3b())["vae"], 127e6, 5e-3);
  expect_within(parameters(ti2v_5b())["vae"], 705e6, 5e-3);
}

TEST(WanDescribe, Tokens) {
  EXPECT_EQ(transformer_tokens(t2v_1_3b(), {832, 480}, 81), 32760);
  EXPECT_EQ(transformer_tokens(t2v_14b(), {1280, 720}, 81), 75600);
  EXPECT_EQ(transformer_tokens(ti2v_5b(), {1280, 704}, 121), 27280);
}

TEST(WanDescribe, FlopsOfOneForward) {  // TFLOP, figures of a FLOP counter on the reference
  expect_within(transformer_flops(t2v_1_3b().transformer, 32760, 512, 0), 283e12, 0.01);
  expect_within(transformer_flops(t2v_1_3b().transformer, 75600, 512, 0), 1250e12, 0.01);
  expect_within(transformer_flops(t2v_14b().transformer, 32760, 512, 0), 1676e12, 0.01);
  expect_within(transformer_flops(t2v_14b().transformer, 75600, 512, 0), 6521e12, 0.01);
  expect_within(transformer_flops(ti2v_5b().transformer, 27280, 512, 0), 516e12, 0.01);
}

TEST(WanDescribe, FlopsOfDecodeAndText) {
  expect_within(vae_decode_flops(vae21(), {832, 480}, 81), 275e12, 0.01);
  expect_within(vae_decode_flops(vae21(), {1280, 720}, 241), 1897e12, 0.01);
  expect_within(vae_decode_flops(vae22(), {1280, 704}, 121), 2011e12, 0.01);
  expect_within(vae_decode_flops(vae22(), {1280, 704}, 361), 5992e12, 0.01);
  expect_within(text_encoder_flops(TextEncoderConfig()), 4.84e12, 0.01);
}

TEST(WanDescribe, CostsByStage) {
  ClipShape clip;
  clip.size = {832, 480};
  clip.frames = 81;
  clip.dtype_bytes = 2;
  const auto stages = costs(t2v_14b(), clip);
  ASSERT_EQ(stages.size(), 3u);
  EXPECT_EQ(stages[1].stage, "denoise");
  EXPECT_EQ(stages[1].tokens, 32760);
  expect_within(static_cast<double>(stages[1].weight_bytes), 28.58e9, 0.01);
  expect_within(stages[1].flops, 2 * 1676e12, 0.01);
  // The floor of one block's buffers is 2.9 GB; an estimate below it would promise too much.
  EXPECT_GT(stages[1].work_bytes, 2'900'000'000u);
  EXPECT_LT(stages[1].work_bytes, 8'000'000'000u);
  clip.guidance = false;
  expect_within(costs(t2v_14b(), clip)[1].flops, 1676e12, 0.01);
  EXPECT_EQ(costs(i2v_14b(), clip).size(), 4u);
}

TEST(WanDescribe, DecodeMemoryDoesNotGrowWithTheClip) {
  ClipShape clip;
  clip.size = {832, 480};
  clip.frames = 81;
  const auto work = [&](int64_t frames) {
    clip.frames = frames;
    return costs(t2v_1_3b(), clip).back().work_bytes;
  };
  EXPECT_EQ(work(81), work(241));
}

TEST(WanDescribe, PresetNames) {
  EXPECT_EQ(preset_name(t2v_1_3b()), "wan2.1-t2v-1.3b");
  EXPECT_EQ(preset_name(i2v_14b()), "wan2.1-i2v-14b");
  EXPECT_EQ(preset_name(ti2v_5b()), "wan2.2-ti2v-5b");
  ModelConfig c = t2v_14b();
  c.transformer_2 = c.transformer;
  EXPECT_EQ(preset_name(c), "wan2.2-t2v-a14b");
  c = i2v_14b();
  c.transformer.pos_embed_seq_len = 514;
  EXPECT_EQ(preset_name(c), "wan2.1-flf2v-14b");
  c.transformer.num_layers = 7;
  EXPECT_EQ(preset_name(c), "");
  ModelConfig df = t2v_1_3b();
  df.diffusion_forcing = true;
  EXPECT_EQ(preset_name(df), "skyreels-v2-df-1.3b");
  df = t2v_14b();
  df.diffusion_forcing = true;
  EXPECT_EQ(preset_name(df), "skyreels-v2-df-14b");
}

// 1.44 billion parameters: those of the frame rate are 0.02 of them.
TEST(WanDescribe, SkyReelsIsWanAndTheFrameRate) {
  ModelConfig df = t2v_1_3b();
  const auto weights = [&] { return costs(df, ClipShape{.size = {960, 544}, .frames = 97})[1]; };
  const auto plain = weights();
  df.transformer.inject_sample_info = true;
  const int64_t d = df.transformer.dim();
  EXPECT_EQ(weights().weight_bytes - plain.weight_bytes,
            static_cast<uint64_t>(2 * d + d * d + d + 6 * d * d + 6 * d) * 4);
  EXPECT_EQ(plain.tokens, 25 * 34 * 60);
}

// Every tiny checkpoint was saved by the reference implementation: its headers must be exactly what
// we say they are.
TEST(WanDescribe, HeadersOfTheTinyCheckpointsAreAsExpected) {
  int checked = 0;
  for (const auto& entry : fs::directory_iterator(kModels)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("tiny-wan", 0) != 0 && name.rfind("tiny-skyreels", 0) != 0) continue;
    SCOPED_TRACE(entry.path().string());
    const ModelFolder model = ModelFolder::open(entry.path());
    ASSERT_EQ(&find_description(model), &description());
    std::map<std::string, std::map<std::string, std::vector<int64_t>>> found;
    std::map<std::string, std::map<std::string, ExpectedTensor>> expected;
    for (ExpectedTensor& t : description().expected_tensors(model)) {
      expected[t.component][t.name] = t;
    }
    for (const auto& [component, tensors] : expected) {
      for (const fs::path& file : model.component(component).files) {
        for (const TensorEntry& t : read_safetensors_header(file).tensors) {
          const auto at = tensors.find(t.name);
          ASSERT_NE(at, tensors.end()) << component << ": unexpected " << t.name;
          if (at->second.required || !at->second.shape.empty()) {
            EXPECT_EQ(t.shape, at->second.shape) << t.name;
          }
          found[component][t.name] = t.shape;
        }
      }
      for (const auto& [name, t] : tensors) {
        EXPECT_TRUE(!t.required || found[component].count(name) > 0)
            << component << " lacks " << name;
      }
    }
    ++checked;
  }
  EXPECT_GE(checked, 7);
}

TEST(WanDescribe, TraitsOfTheTinyCheckpoints) {
  const auto traits = [](const char* name) {
    return description().traits(ModelFolder::open(kModels / name));
  };
  const Traits t2v = traits("tiny-wan21");
  EXPECT_EQ(t2v.title, "Wan2.1 T2V");
  EXPECT_EQ(t2v.size, (Size{48, 32}));
  EXPECT_EQ(t2v.num_inference_steps, 6);
  EXPECT_EQ(t2v.dtype, "fp32");
  EXPECT_EQ(t2v.shift, 3.0);
  EXPECT_EQ(t2v.image, ImageInput::kNone);
  EXPECT_EQ(t2v.geometry.size_multiple, 16);
  EXPECT_EQ(t2v.geometry.max_frames, 81);
  EXPECT_EQ(t2v.geometry.max_side, 64 * 16);

  const Traits i2v = traits("tiny-wan21-i2v");
  EXPECT_EQ(i2v.image, ImageInput::kRequired);
  EXPECT_EQ(i2v.last_image, ImageInput::kNone);
  const Traits flf = traits("tiny-wan21-flf2v");
  EXPECT_EQ(flf.title, "Wan2.1 FLF2V");
  EXPECT_EQ(flf.last_image, ImageInput::kRequired);
  const Traits a14b = traits("tiny-wan22-a14b");
  EXPECT_TRUE(a14b.two_experts);
  EXPECT_EQ(a14b.guidance_scale, 4.0);
  EXPECT_EQ(a14b.guidance_scale_2, 3.0);
  EXPECT_EQ(traits("tiny-wan22-i2v-a14b").last_image, ImageInput::kOptional);
  const Traits ti2v = traits("tiny-wan22-ti2v");
  EXPECT_EQ(ti2v.image, ImageInput::kOptional);
  EXPECT_EQ(ti2v.fps, (Rational{24, 1}));
  EXPECT_EQ(ti2v.geometry.spatial_factor, 16);
  EXPECT_EQ(ti2v.geometry.max_frames, 121);
}

}  // namespace
}  // namespace genvid::wan
