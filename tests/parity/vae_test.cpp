// The video autoencoder against the reference's tensors, on every tiny checkpoint, whole and in
// chunks.
#include "families/wan/vae.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "families/wan/config.h"
#include "parity/reference_helper.h"

namespace genvid {
namespace {

struct Loaded {
  ModelFolder model;
  wan::VaeConfig config;
  std::unique_ptr<VideoVae> vae;
};

Loaded load(const std::string& variant, at::ScalarType dtype = at::kFloat) {
  const std::filesystem::path dir = parity::model_dir(variant);
  Loaded loaded{ModelFolder::open(dir), {}, nullptr};
  loaded.config = wan::parse_vae_config(loaded.model.component("vae").config, "vae/config.json");
  LoadContext context;
  context.model = &loaded.model;
  context.vae_dtype = dtype;
  loaded.vae = wan::load_vae(context);
  return loaded;
}

// plan: how many frames each push gets; the rest goes last.
Tensor run(VaeStream& stream, const Tensor& x, const std::vector<int64_t>& plan) {
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (size_t i = 0; begin < x.size(2); ++i) {
    const int64_t left = x.size(2) - begin;
    const int64_t take = i < plan.size() ? std::min(plan[i], left) : left;
    parts.push_back(stream.push(x.narrow(2, begin, take)));
    begin += take;
  }
  return at::cat(parts, 2);
}

// [1, 3, F, H, W] in [-1, 1] -> [F, H, W, 3] bytes, as the pipeline's sink rounds.
Tensor to_bytes(const Tensor& x) {
  return x.mul(0.5).add(0.5).clamp(0, 1).mul(255).round().to(at::kByte)[0].permute({1, 2, 3, 0});
}

class VaeParity : public testing::TestWithParam<const char*> {
 protected:
  const c10::InferenceMode inference_;
};

TEST_P(VaeParity, DecodesAsTheReferenceStageByStage) {
  const parity::Reference ref(GetParam());
  const Loaded m = load(GetParam());
  const parity::TapRecorder taps;
  const Tensor frames = m.vae->open_decoder()->push(ref.at("latents.final"));

  parity::expect_close("vae.input", taps.values.at("vae.input"), ref.at("vae.input"), 1e-6);
  size_t stages = 0;
  for (const std::string& name : ref.names("vae.")) {
    if (name == "vae.input") continue;
    ASSERT_TRUE(taps.values.contains(name)) << name;
    parity::expect_close(name, taps.values.at(name), ref.at(name), 5e-4);
    ++stages;
  }
  EXPECT_EQ(stages, 1 + 3 * (2 + m.config.dim_mult.size()));  // three chunks of mid, up and dec
  parity::expect_close("video.decoded", frames, ref.at("video.decoded"), 1e-4);
}

TEST_P(VaeParity, BytesAreThoseOfTheReference) {
  const parity::Reference ref(GetParam());
  const Loaded m = load(GetParam());
  const Tensor bytes = to_bytes(m.vae->open_decoder()->push(ref.at("latents.final")));
  const Tensor& expected = ref.at("video.rgb8_round");
  ASSERT_EQ(bytes.sizes(), expected.sizes());
  const Tensor apart = bytes.to(at::kInt).sub(expected.to(at::kInt)).abs();
  EXPECT_LE(apart.max().item<int>(), 1);
  EXPECT_LE(apart.ne(0).to(at::kFloat).mean().item<float>(), 0.002f);
}

TEST_P(VaeParity, EncodesAsTheReference) {
  const parity::Reference ref(GetParam());
  const Loaded m = load(GetParam());
  const Tensor latents = m.vae->open_encoder()->push(ref.at("enc.input"));
  const int64_t z = m.config.z_dim;
  const Tensor mean = at::tensor(m.config.latents_mean, at::kFloat).view({1, z, 1, 1, 1});
  const Tensor std = at::tensor(m.config.latents_std, at::kFloat).view({1, z, 1, 1, 1});
  const Tensor expected = ref.at("enc.mode").sub(mean).mul(std.reciprocal());
  parity::expect_close("enc.mode", latents, expected, 2e-5);
}

TEST_P(VaeParity, AnyChunkingDecodesTheSameBits) {
  const parity::Reference ref(GetParam());
  const Loaded m = load(GetParam());
  const Tensor& latents = ref.at("latents.final");
  const Tensor whole = m.vae->open_decoder()->push(latents);
  const std::vector<std::vector<int64_t>> plans = {{1, 1, 1, 1}, {1, 2, 2}, {3, 1}, {2}};
  for (const std::vector<int64_t>& plan : plans) {
    EXPECT_TRUE(run(*m.vae->open_decoder(), latents, plan).equal(whole)) << plan[0];
  }
  // The first frames do not depend on what follows.
  for (int64_t t = 1; t < latents.size(2); ++t) {
    const Tensor prefix = m.vae->open_decoder()->push(latents.narrow(2, 0, t));
    EXPECT_TRUE(prefix.equal(whole.narrow(2, 0, prefix.size(2)))) << t;
  }
}

TEST_P(VaeParity, AnyChunkingEncodesTheSameBits) {
  const parity::Reference ref(GetParam());
  const Loaded m = load(GetParam());
  const Tensor& frames = ref.at("video.decoded");
  const Tensor whole = m.vae->open_encoder()->push(frames);
  EXPECT_EQ(whole.size(2), ref.at("latents.final").size(2));
  const std::vector<std::vector<int64_t>> plans = {{1, 4, 4, 4}, {1, 1, 1, 1, 1}, {3, 7}, {2}, {5}};
  for (const std::vector<int64_t>& plan : plans) {
    EXPECT_TRUE(run(*m.vae->open_encoder(), frames, plan).equal(whole)) << plan[0];
  }
  // Frames that do not complete a latent frame wait.
  const std::unique_ptr<VaeStream> stream = m.vae->open_encoder();
  EXPECT_EQ(stream->push(frames.narrow(2, 0, 4)).size(2), 1);
  EXPECT_EQ(stream->push(frames.narrow(2, 4, 1)).size(2), 1);
  EXPECT_EQ(stream->push(frames.narrow(2, 5, 3)).size(2), 0);
}

TEST_P(VaeParity, OpenStreamsDoNotDisturbEachOther) {
  const parity::Reference ref(GetParam());
  const Loaded m = load(GetParam());
  const Tensor& a = ref.at("latents.final");
  const Tensor b = a.flip({3, 4}).contiguous();
  const Tensor whole_a = m.vae->open_decoder()->push(a);
  const Tensor whole_b = m.vae->open_decoder()->push(b);
  const std::unique_ptr<VaeStream> sa = m.vae->open_decoder(), sb = m.vae->open_decoder();
  std::vector<Tensor> parts_a, parts_b;
  for (int64_t i = 0; i < a.size(2); ++i) {
    parts_a.push_back(sa->push(a.narrow(2, i, 1)));
    parts_b.push_back(sb->push(b.narrow(2, i, 1)));
  }
  EXPECT_TRUE(at::cat(parts_a, 2).equal(whole_a));
  EXPECT_TRUE(at::cat(parts_b, 2).equal(whole_b));
}

TEST_P(VaeParity, Bf16StaysNearTheReference) {
  const parity::Reference ref(GetParam());
  const Loaded m = load(GetParam(), at::kBFloat16);
  const Tensor frames = m.vae->open_decoder()->push(ref.at("latents.final"));
  EXPECT_EQ(frames.scalar_type(), at::kFloat);
  // The reference itself is 3.5e-2 to 1.2e-1 away from its fp32 result on these checkpoints.
  parity::expect_relative_rms("video.decoded", frames, ref.at("video.decoded"), 0.12);
}

TEST_P(VaeParity, RefusesWhatDoesNotFit) {
  const parity::Reference ref(GetParam());
  const Loaded m = load(GetParam());
  const Tensor& latents = ref.at("latents.final");
  EXPECT_THROW(m.vae->open_decoder()->push(latents.narrow(1, 0, 3)), Error);
  EXPECT_THROW(m.vae->open_decoder()->push(latents[0]), Error);
  const std::unique_ptr<VaeStream> stream = m.vae->open_decoder();
  stream->push(latents.narrow(2, 0, 1));
  EXPECT_THROW(stream->push(latents.narrow(4, 0, 2)), Error);
  EXPECT_THROW(m.vae->open_encoder()->push(ref.at("enc.input").narrow(3, 0, 9)), Error);
}

INSTANTIATE_TEST_SUITE_P(Tiny, VaeParity, testing::Values("tiny-wan21", "tiny-wan22-ti2v"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace genvid
