// What every family must keep to: same seed, same bytes; any chunking of the autoencoder gives what
// the whole gives; each expert counts; a component leaves memory before the next one comes.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/sin.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>

#include "conformance/model_helper.h"
#include "diffusion/noise.h"
#include "pipeline/progress.h"
#include "pipeline/text_to_video.h"

namespace genvid::conformance {
namespace {

using ChunkPlan = std::vector<int64_t>;

// Convolutions of another length may sum in another order.
constexpr double kChunkGate = 1e-5;
constexpr double kTransformerGate = 1e-4;

class Stages : public ::testing::TestWithParam<std::string> {
 protected:
  const c10::InferenceMode inference_;
  const Checkpoint model_{tiny_model(GetParam())};
  TestHost host_;
};
INSTANTIATE_TEST_SUITE_P(Tiny, Stages, ::testing::ValuesIn(tiny_models()), [](const auto& info) {
  std::string name = info.param;
  for (char& c : name) c = c == '-' ? '_' : c;
  return name;
});

Tensor push_all(VaeStream& stream, const Tensor& x, const ChunkPlan& plan) {
  std::vector<Tensor> parts;
  int64_t at = 0;
  for (const int64_t n : plan) {
    parts.push_back(stream.push(x.narrow(2, at, n)));
    at += n;
  }
  EXPECT_EQ(at, x.size(2));
  return at::cat(parts, 2);
}

TEST_P(Stages, SameSeedSameBytes) {
  const ClipSpec spec = model_.spec();
  const Tensor first = make_latents(model_, spec, host_);
  EXPECT_TRUE(at::isfinite(first).all().item<bool>());
  EXPECT_TRUE(same_bytes(first, make_latents(model_, spec, host_)));
  const auto decode = [&](const Tensor& latents) {
    return model_.family.load_vae(model_.context())->open_decoder()->push(latents);
  };
  const Tensor frames = decode(first);
  EXPECT_EQ(frames.size(2), spec.model_frames);
  EXPECT_EQ(frames.size(3), spec.model_size.height);
  EXPECT_EQ(frames.size(4), spec.model_size.width);
  EXPECT_TRUE(same_bytes(frames, decode(first)));

  ClipSpec other = spec;
  other.seed += 1;
  EXPECT_FALSE(same_bytes(first, make_latents(model_, other, host_)));
}

TEST_P(Stages, AnyChunkingDecodesTheSame) {
  const Geometry& g = model_.traits.geometry;
  const Tensor latents = initial_noise("philox", 3, {1, g.latent_channels, 6, 4, 6});
  const auto vae = model_.family.load_vae(model_.context());
  const Tensor whole = vae->open_decoder()->push(latents);
  ASSERT_EQ(whole.size(2), g.frames_of(6));
  for (const ChunkPlan& plan :
       {ChunkPlan{1, 1, 1, 1, 1, 1}, {2, 4}, {1, 5}, {3, 3}, {5, 1}, {2, 1, 3}}) {
    const Tensor parts = push_all(*vae->open_decoder(), latents, plan);
    EXPECT_LE(max_abs(parts, whole), kChunkGate) << ::testing::PrintToString(plan);
  }
  // Streams share weights and nothing else.
  const auto a = vae->open_decoder(), b = vae->open_decoder();
  std::vector<Tensor> of_a, of_b;
  for (int64_t t = 0; t < 6; ++t) {
    of_a.push_back(a->push(latents.narrow(2, t, 1)));
    of_b.push_back(b->push(latents.narrow(2, t, 1).neg()));
  }
  EXPECT_LE(max_abs(at::cat(of_a, 2), whole), kChunkGate);
  EXPECT_GT(max_abs(at::cat(of_b, 2), whole), 1e-3);
}

TEST_P(Stages, AnyChunkingEncodesTheSame) {
  const Geometry& g = model_.traits.geometry;
  const int64_t frames = g.frames_of(4);
  const Tensor video =
      initial_noise("philox", 4, {1, 3, frames, 2 * g.size_multiple, 3 * g.size_multiple}).sin_();
  const auto vae = model_.family.load_vae(model_.context());
  const Tensor whole = vae->open_encoder()->push(video);
  ASSERT_EQ(whole.size(2), 4);
  ASSERT_EQ(whole.size(1), g.latent_channels);
  const int64_t r = g.temporal_factor;
  for (const ChunkPlan& plan :
       {ChunkPlan(static_cast<size_t>(frames), 1), ChunkPlan{g.first_frames, r, r, r},
        ChunkPlan{g.first_frames + r, 2 * r}, ChunkPlan{2, frames - 2}, ChunkPlan{frames - 1, 1},
        ChunkPlan{3, 3, frames - 6}}) {
    const Tensor parts = push_all(*vae->open_encoder(), video, plan);
    EXPECT_LE(max_abs(parts, whole), kChunkGate) << ::testing::PrintToString(plan);
  }
}

// A last frame that is off by one unit in the last place takes the path of one timestep per frame.
TEST_P(Stages, EqualTimestepsPerFrameAreOneTimestep) {
  const LoadContext context = model_.context();
  const ClipSpec spec = model_.spec();
  StageClock clock(host_);
  const ClipPrompts prompts = encode_prompts(model_.family, context, spec, clock);
  Conditioning conditioning;
  if (spec.image) conditioning = model_.family.prepare_conditioning(context, spec);
  const Tensor latents = first_latents(context, spec, model_.traits.geometry);
  const int64_t frames = latents.size(2);
  for (const Stage& stage : model_.family.stages(model_.folder)) {
    const auto denoiser = model_.family.load_denoiser(context, stage.component);
    const auto predict = [&](const Tensor& timestep) {
      return denoiser->predict(latents, timestep, prompts.of(0).prompt, conditioning);
    };
    const Tensor one = at::full({1, frames}, 437.0, at::TensorOptions(at::kFloat));
    Tensor nearly = one.clone(), other = one.clone();
    nearly.select(1, frames - 1).fill_(std::nextafter(437.0f, 1000.0f));
    other.select(1, frames - 1).fill_(12.0);
    const Tensor expected = predict(one);
    EXPECT_LE(max_abs(predict(nearly), expected), kTransformerGate) << stage.component;
    EXPECT_GT(max_abs(predict(other), expected), kTransformerGate) << stage.component;
  }
}

// Whether a file below `dir` is mapped into this process: weights in use are.
bool mapped(const std::filesystem::path& dir) {
  const std::string prefix = std::filesystem::canonical(dir).string() + "/";
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(prefix) != std::string::npos) return true;
  }
  return false;
}

TEST_P(Stages, OneComponentAtATime) {
  const LoadContext context = model_.context();
  const std::filesystem::path& dir = model_.folder.dir();
  {
    const auto encoder = model_.family.load_text_encoder(context);
    ASSERT_TRUE(mapped(dir / "text_encoder")) << "these weights are not used in place";
  }
  EXPECT_FALSE(mapped(dir / "text_encoder"));
  const std::vector<Stage> stages = model_.family.stages(model_.folder);
  size_t seen = 0;
  host_.on_progress = [&](const ProgressEvent& event) {
    if (event.stage != "denoise" || event.done == 0) return;
    EXPECT_FALSE(mapped(dir / "text_encoder")) << "after step " << event.done;
    EXPECT_FALSE(mapped(dir / "vae")) << "after step " << event.done;
    size_t resident = 0;
    for (const Stage& s : stages) resident += mapped(dir / s.component) ? 1 : 0;
    EXPECT_EQ(resident, 1u) << "after step " << event.done;
    ++seen;
  };
  make_latents(model_, model_.spec(), host_);
  EXPECT_EQ(seen, static_cast<size_t>(model_.spec().num_inference_steps));
  for (const Stage& s : stages) EXPECT_FALSE(mapped(dir / s.component)) << "after the last step";
}

// Another value in any transformer gives other latents, and so does a second guidance scale where
// there is a second expert.
TEST_P(Stages, EveryExpertCounts) {
  const ClipSpec spec = model_.spec();
  const Tensor expected = make_latents(model_, spec, host_);
  const std::vector<Stage> stages = model_.family.stages(model_.folder);
  EXPECT_EQ(stages.size(), model_.traits.two_experts ? 2u : 1u);
  const Copy copy(GetParam());
  for (const Stage& stage : stages) {
    std::string name;
    for (const ExpectedTensor& t : model_.family.description->expected_tensors(model_.folder)) {
      if (t.component == stage.component && t.required) name = t.name;
    }
    const Copy::Spoiled spoiled(copy, stage.component, name,
                                [&](std::vector<StoredTensor>& tensors) {
                                  StoredTensor& t = find(tensors, name);
                                  ASSERT_EQ(t.entry.dtype, DType::kF32);
                                  for (size_t i = 0; i + 4 <= t.bytes.size(); i += 4) {
                                    float value = 0;
                                    std::memcpy(&value, &t.bytes[i], 4);
                                    value += 0.25f;
                                    std::memcpy(&t.bytes[i], &value, 4);
                                  }
                                });
    const Checkpoint changed(copy.dir());
    EXPECT_GT(max_abs(make_latents(changed, spec, host_), expected), 1e-4)
        << stage.component << ": " << name;
  }
  ClipSpec guided = spec;
  guided.guidance_scale_2 += 2.0;
  EXPECT_EQ(same_bytes(make_latents(model_, guided, host_), expected), stages.size() == 1);
}

}  // namespace
}  // namespace genvid::conformance
