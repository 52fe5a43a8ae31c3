// The transformer of SkyReels-V2 DF, call by call, against what
// scripts/parity/make_diffusion_forcing.py recorded of the reference: timesteps per latent frame,
// the frame rate, and blocks that see none that come later.
#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cmath>

#include "families/wan/text_encoder.h"
#include "families/wan/transformer_denoiser.h"
#include "parity/reference_helper.h"

namespace genvid {
namespace {

constexpr double kCallGate = 1e-4;
constexpr double kHalfGate = 2e-2;

class ForcingParity : public ::testing::Test {
 protected:
  void load(at::ScalarType dtype = at::kFloat) {
    context.model = &model;
    context.dtype = dtype;
    prompt = wan::load_text_encoder(context)->encode("a small house by the sea at dawn");
    denoiser = wan::load_denoiser(context, "transformer");
  }

  Tensor call(const Tensor& timestep, double fps = 24, int64_t block = 0) {
    Conditioning told;
    told.fps = fps;
    told.causal_block = block;
    return denoiser->predict(reference.at("call.input"), timestep, prompt, told);
  }
  static Tensor all(float t) { return at::full({1, 6}, t, at::kFloat); }
  const Tensor& each() const { return reference.at("call.timesteps"); }

  const c10::InferenceMode inference;
  const parity::Reference reference{"diffusion-forcing"};
  const ModelFolder model = ModelFolder::open(parity::model_dir("tiny-skyreels-v2-df"));
  LoadContext context;
  Tensor prompt;
  std::unique_ptr<Denoiser> denoiser;
};

TEST_F(ForcingParity, EveryKindOfCall) {
  load();
  const auto close = [this](const char* name, const Tensor& made) {
    parity::expect_close(name, made, reference.at(name), kCallGate);
  };
  close("call.scalar", call(all(700)));
  close("call.equal", call(all(700)));
  close("call.frames", call(each()));
  close("call.fps16", call(each(), 16));
  close("call.blocks", call(each(), 24, 2));
  close("call.blocks_scalar", call(all(700), 24, 3));
  EXPECT_GT(parity::max_abs(reference.at("call.fps16"), reference.at("call.frames")), 1e-2);
  EXPECT_GT(parity::max_abs(reference.at("call.blocks"), reference.at("call.frames")), 1e-2);
}

TEST_F(ForcingParity, HalfPrecision) {
  load(at::kBFloat16);
  parity::expect_relative_rms("frames", call(each()), reference.at("call.frames"), kHalfGate);
  parity::expect_relative_rms("blocks", call(each(), 24, 2), reference.at("call.blocks"),
                              kHalfGate);
}

// One timestep per frame is another path than one for all; the smallest difference takes it.
TEST_F(ForcingParity, EqualTimestepsOfFramesAreOneTimestep) {
  load();
  Tensor t = all(700);
  const Tensor scalar = call(t);
  t.select(1, 3).fill_(std::nextafter(700.0f, 1000.0f));
  parity::expect_close("per frame", call(t), scalar, kCallGate);
  t.select(1, 3).fill_(20);
  EXPECT_GT(parity::max_abs(call(t), scalar), 1e-2) << "the timesteps of frames must matter";
}

// What a block makes does not change with those after it.
TEST_F(ForcingParity, BlocksDoNotSeeLaterOnes) {
  load();
  const Tensor whole = call(each(), 24, 2);
  const Tensor head = denoiser->predict(reference.at("call.input").narrow(2, 0, 4),
                                        each().narrow(1, 0, 4), prompt, [] {
                                          Conditioning told;
                                          told.causal_block = 2;
                                          return told;
                                        }());
  parity::expect_close("head", head, whole.narrow(2, 0, 4), 1e-5);
}

// Every rate but 16 is told alike, as the reference does.
TEST_F(ForcingParity, OnlySixteenFramesASecondAreTold) {
  load();
  EXPECT_EQ(parity::max_abs(call(each(), 24), call(each(), 30)), 0);
  EXPECT_GT(parity::max_abs(call(each(), 24), call(each(), 16)), 1e-2);
}

}  // namespace
}  // namespace genvid
