// One transformer call at a time against the reference, from its embeddings and the latents it had
// before each step: an error cannot hide behind, or be blamed on, an earlier stage.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "core/cancel.h"
#include "families/wan/transformer_denoiser.h"
#include "parity/reference_helper.h"
#include "tensor/tap.h"

namespace genvid {
namespace {

using parity::expect_close;
using parity::expect_relative_rms;
using parity::Reference;

constexpr double kCallGate = 1e-4;
constexpr double kHalfGate = 2e-2;

struct Case {
  std::string reference;  // tests/data/<reference>.ref.safetensors
  std::string model;      // models/<model>
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.reference; }

// A golden run, taken apart into the inputs and outputs of its transformer calls.
class GoldenRun {
 public:
  explicit GoldenRun(const Case& c, at::ScalarType dtype = at::kFloat)
      : reference(c.reference), model_(ModelFolder::open(parity::model_dir(c.model))) {
    context_.model = &model_;
    context_.dtype = dtype;
    prompt = reference.at("embeds.prompt").to(dtype);
    negative = reference.at("embeds.negative").to(dtype);
    read_conditioning();
  }

  int64_t steps() const { return reference.count("step", ".cond"); }

  Denoiser& denoiser(int64_t step) {
    const bool second = reference.at(name(step, "expert")).item<int>() == 1;
    auto& slot = denoisers_[second ? 1 : 0];
    if (!slot) slot = wan::load_denoiser(context_, second ? "transformer_2" : "transformer");
    return *slot;
  }

  // What the loop feeds: latents with known frames put back, one timestep per latent frame.
  Tensor latents(int64_t step) const {
    const Tensor x = reference.at(step == 0 ? "latents.init" : name(step - 1, "latents"));
    if (!pinned_.defined()) return x;
    return at::cat({pinned_, x.narrow(2, pinned_.size(2), x.size(2) - pinned_.size(2))}, 2);
  }

  Tensor timesteps(int64_t step) const {
    const int64_t frames = reference.at("latents.init").size(2);
    Tensor t = at::full({1, frames}, reference.at(name(step, "timestep")).item<float>());
    if (pinned_.defined()) t.narrow(1, 0, pinned_.size(2)).zero_();
    return t;
  }

  Tensor predict(int64_t step, const Tensor& embeds) {
    return denoiser(step).predict(latents(step), timesteps(step), embeds, conditioning);
  }

  static std::string name(int64_t step, const std::string& what) {
    return "step" + std::to_string(step) + "." + what;
  }

  Reference reference;
  Tensor prompt, negative;
  Conditioning conditioning;

 private:
  void read_conditioning() {
    if (reference.has("clip.embeds")) {
      // Two images stand as two rows; the transformer sees their tokens in one.
      const Tensor& embeds = reference.at("clip.embeds");
      conditioning.image_embeds = embeds.reshape({1, -1, embeds.size(2)});
    }
    if (!reference.has("cond.latents")) return;
    const Tensor& encoded = reference.at("cond.latents");
    const Tensor& mask = reference.at("cond.mask");
    if (mask.size(1) == 1) {
      pinned_ = encoded;
    } else {
      conditioning.concat_latents = at::cat({mask, encoded}, 1);
    }
  }

  ModelFolder model_;
  LoadContext context_;
  Tensor pinned_;  // known first latent frames, or undefined
  std::unique_ptr<Denoiser> denoisers_[2];
};

class TransformerParity : public ::testing::TestWithParam<Case> {
  const c10::InferenceMode inference_;
};

TEST_P(TransformerParity, EveryCallOfTheRun) {
  GoldenRun run(GetParam());
  ASSERT_GE(run.steps(), 3);
  for (int64_t step = 0; step < run.steps(); ++step) {
    const std::string cond = GoldenRun::name(step, "cond");
    const std::string uncond = GoldenRun::name(step, "uncond");
    expect_close(cond, run.predict(step, run.prompt), run.reference.at(cond), kCallGate);
    expect_close(uncond, run.predict(step, run.negative), run.reference.at(uncond), kCallGate);
  }
}

TEST_P(TransformerParity, EveryTapOfTheFirstCall) {
  GoldenRun run(GetParam());
  parity::TapRecorder recorder;
  {
    const TapScope scope("dit0");
    run.predict(0, run.prompt);
  }
  const auto names = run.reference.names("dit0.");
  ASSERT_GE(names.size(), 12U);
  for (const std::string& name : names) {
    const auto found = recorder.values.find(name);
    ASSERT_NE(found, recorder.values.end()) << name << " is not tapped";
    expect_close(name, found->second, run.reference.at(name), kCallGate);
  }
}

// Sensitive to what the gate of a whole call would let pass: tables computed in fp32 differ by
// 1.5e-6.
TEST_P(TransformerParity, PositionAndTimeTables) {
  GoldenRun run(GetParam());
  parity::TapRecorder recorder;
  run.predict(0, run.prompt);
  for (const std::string name : {"rope_cos", "rope_sin"}) {
    expect_close(name, recorder.values.at(name), run.reference.at("dit0." + name), 1.2e-7);
  }
  expect_close("time_sinusoid", recorder.values.at("time_sinusoid"),
               run.reference.at("dit0.time_sinusoid"), 1e-6);
}

TEST_P(TransformerParity, HalfPrecisionWithReferenceInputs) {
  GoldenRun run(GetParam(), at::kBFloat16);
  for (int64_t step = 0; step < run.steps(); ++step) {
    const Tensor cond = run.predict(step, run.prompt);
    EXPECT_EQ(cond.scalar_type(), at::kBFloat16);
    const std::string name = GoldenRun::name(step, "cond");
    expect_relative_rms(name, cond, run.reference.at(name), kHalfGate);
  }
}

TEST_P(TransformerParity, RepeatsItselfAndForgetsNoPrompt) {
  GoldenRun run(GetParam());
  const Tensor first = run.predict(0, run.prompt);
  const Tensor other = run.predict(0, run.negative);
  // Three more prompts push both out of the cache.
  for (int i = 0; i < 3; ++i) run.predict(0, at::zeros(run.prompt.sizes()));
  EXPECT_EQ(parity::max_abs(run.predict(0, run.prompt), first), 0);
  EXPECT_EQ(parity::max_abs(run.predict(0, run.negative), other), 0);
  EXPECT_EQ(parity::max_abs(run.predict(0, run.prompt), first), 0);
}

INSTANTIATE_TEST_SUITE_P(Variants, TransformerParity,
                         ::testing::Values(Case{"tiny-wan21", "tiny-wan21"},
                                           Case{"tiny-wan21-i2v", "tiny-wan21-i2v"},
                                           Case{"tiny-wan21-flf2v", "tiny-wan21-flf2v"},
                                           Case{"tiny-wan22-a14b", "tiny-wan22-a14b"},
                                           Case{"tiny-wan22-i2v-a14b", "tiny-wan22-i2v-a14b"},
                                           Case{"tiny-wan22-ti2v", "tiny-wan22-ti2v"},
                                           Case{"tiny-wan22-ti2v-image", "tiny-wan22-ti2v"},
                                           Case{"tiny-skyreels-v2-df", "tiny-skyreels-v2-df"}),
                         [](const auto& info) {
                           std::string name = info.param.reference;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// The reference's own bf16 run, call by call: the same roundings, so closer than fp32 would be.
TEST(TransformerHalf, MatchesTheReferenceRunInBf16) {
  const c10::InferenceMode inference;
  GoldenRun run({"tiny-wan21-bf16", "tiny-wan21"}, at::kBFloat16);
  for (int64_t step = 0; step < run.steps(); ++step) {
    const std::string name = GoldenRun::name(step, "cond");
    expect_relative_rms(name, run.predict(step, run.prompt), run.reference.at(name), kHalfGate);
  }
}

// Timesteps per frame take another path than one timestep; equal ones must not notice.
TEST(TransformerTimesteps, OneFrameApartIsCloseToEqual) {
  const c10::InferenceMode inference;
  GoldenRun run({"tiny-wan22-ti2v", "tiny-wan22-ti2v"});
  const Tensor scalar = run.predict(1, run.prompt);
  Tensor t = run.timesteps(1);
  // The smallest fp32 step away from equal: takes the per-frame path, with the same timesteps to
  // seven digits.
  t[0][t.size(1) - 1] = std::nextafter(t[0][0].item<float>(), 0.0F);
  const Tensor per_frame = run.denoiser(1).predict(run.latents(1), t, run.prompt, run.conditioning);
  expect_close("per frame", per_frame, scalar, 1e-4);
  t[0][0] = 0;
  const Tensor other = run.denoiser(1).predict(run.latents(1), t, run.prompt, run.conditioning);
  EXPECT_GT(parity::max_abs(other, scalar), 1e-2) << "a frame's timestep has no effect";
}

TEST(TransformerErrors, RefusesWhatDoesNotFit) {
  const c10::InferenceMode inference;
  GoldenRun run({"tiny-wan21-i2v", "tiny-wan21-i2v"});
  const auto message = [&](const Tensor& latents, const Tensor& t, const Conditioning& c) {
    try {
      run.denoiser(0).predict(latents, t, run.prompt, c);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const Tensor x = run.latents(0), t = run.timesteps(0);
  EXPECT_NE(message(x, t, {}).find("need an image"), std::string::npos);
  Conditioning no_tokens = run.conditioning;
  no_tokens.image_embeds = Tensor();
  EXPECT_NE(message(x, t, no_tokens).find("--image"), std::string::npos);
  EXPECT_NE(message(x, t.narrow(1, 0, 1), run.conditioning).find("one per latent frame"),
            std::string::npos);
  const Conditioning odd{
      run.conditioning.image_embeds, run.conditioning.concat_latents.narrow(3, 0, 3), {}, {}};
  EXPECT_NE(message(x.narrow(3, 0, 3), t, odd).find("multiples of 2"), std::string::npos);
}

TEST(TransformerErrors, StopsBetweenBlocks) {
  const c10::InferenceMode inference;
  GoldenRun run({"tiny-wan21", "tiny-wan21"});
  run.predict(0, run.prompt);
  request_cancel(2);
  EXPECT_THROW(run.predict(0, run.prompt), Error);
  clear_cancel();
}

}  // namespace
}  // namespace genvid
