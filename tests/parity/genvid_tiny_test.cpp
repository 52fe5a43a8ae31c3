// The genvid_tiny family against scripts/train's own PyTorch forward: every stage from its own
// input, free runs, and a clip that goes on from its own latents.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "core/json.h"
#include "families/family.h"
#include "parity/reference_helper.h"
#include "pipeline/check.h"
#include "pipeline/generate.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "weights/tensor_file.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

const fs::path kData = fs::path(GENVID_SOURCE_DIR) / "tests/data";

struct Case {
  std::string model;      // models/<model>
  std::string reference;  // tests/data/<reference>.safetensors
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.reference; }

class Quiet final : public Host {
 public:
  void progress(const ProgressEvent&) override {}
};

class NoFrames final : public FrameSink {
 public:
  void begin(const FrameSpec&) override {}
  void write(const FrameView&) override { ++frames; }
  void finish() override {}
  int64_t frames = 0;
};

class GenvidTiny : public testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Denoiser> load_denoiser() const {
    const ModelFolder model = ModelFolder::open(dir_);
    return find_family(model).load_denoiser(LoadContext{&model}, "transformer");
  }

  const c10::InferenceMode inference_;
  const fs::path dir_ = parity::model_dir(GetParam().model);
  const Json golden_ = read_json_file(kData / (GetParam().reference + ".json"), ErrorKind::kUsage);
  Quiet host_;
};

TEST_P(GenvidTiny, EveryStage) {
  CheckSpec spec;
  spec.model_dir = dir_.string();
  spec.reference = (kData / (GetParam().reference + ".safetensors")).string();
  std::set<std::string> stages;
  for (const CheckLine& line : check_model(spec, host_)) {
    EXPECT_TRUE(line.passed) << line.stage << ": max abs " << line.max_abs << ", gate " << line.gate
                             << ' ' << line.note;
    stages.insert(line.stage);
  }
  const std::string last = std::to_string(golden_["steps"].get<int>() - 1);
  for (const std::string& stage :
       {std::string("tokens.prompt.ids"), std::string("tokens.negative.ids"),
        std::string("embeds.prompt"), std::string("embeds.negative"), std::string("sched.sigmas"),
        std::string("dit0.block0"), std::string("step0.cond"), std::string("step0.uncond"),
        std::string("step0.noise"), "step" + last + ".latents", std::string("latents.final"),
        std::string("video.decoded"), std::string("video.rgb8_round"), std::string("enc.mode")}) {
    // Frames are recorded for one prompt of a model.
    const bool frames = stage.starts_with("video.") || stage.starts_with("enc.");
    if (frames && golden_["rollout_steps"] == 0) continue;
    EXPECT_TRUE(stages.contains(stage)) << stage << " was not compared";
  }
}

TEST_P(GenvidTiny, HeadsOfThePrompt) {
  const parity::Reference reference(GetParam().reference);
  const ModelFolder model = ModelFolder::open(dir_);
  const LoadContext context{&model};
  const parity::TapRecorder taps;
  ASSERT_TRUE(
      find_family(model).load_text_encoder(context)->attributes(golden_["prompt"]).has_value());
  const auto names = reference.names("attribute.");
  EXPECT_FALSE(names.empty());
  for (const std::string& name : names) {
    ASSERT_TRUE(taps.values.contains(name)) << name;
    parity::expect_close(name, taps.values.at(name), reference.at(name), 1e-4);
  }
}

TEST_P(GenvidTiny, JudgeOfAPicture) {
  const parity::Reference reference(GetParam().reference);
  const ModelFolder model = ModelFolder::open(dir_);
  const auto judge = find_family(model).load_judge(LoadContext{&model});
  ASSERT_EQ(judge != nullptr, model.has("judge"));
  const auto names = reference.names("judge.");
  ASSERT_EQ(judge != nullptr, !names.empty());
  if (!judge) return;
  const parity::TapRecorder taps;
  const Tensor picture = reference.at("latents.final").narrow(2, 0, 1);
  judge->score(picture, {});
  for (const std::string& name : names) {
    ASSERT_TRUE(taps.values.contains(name)) << name;
    parity::expect_close(name, taps.values.at(name), reference.at(name), 1e-3);
  }
  // What it sees itself fits best.
  EXPECT_TRUE(judge->judges({{"time", "night"}}));
  EXPECT_FALSE(judge->judges({{"camera", "static"}, {"time", "noon"}}));
  double sum = 0;
  for (const char* hour : {"dawn", "day", "sunset", "night"}) {
    sum += std::exp(judge->score(picture, {{"time", hour}}));
  }
  EXPECT_NEAR(sum, 1, 1e-5);
}

// A picture half a tile off, and back from there.
TEST_P(GenvidTiny, BetweenTiles) {
  const parity::Reference reference(GetParam().reference);
  const auto denoiser = load_denoiser();
  const Tensor picture = reference.at("latents.final").narrow(2, 0, 1);
  const Tensor other = reference.at("latents.init").narrow(2, 0, 1);
  parity::expect_close("on", denoiser->between_tiles(picture), reference.at("between.on"), 1e-4);
  parity::expect_close("back", denoiser->back_to_tiles(other, picture),
                       reference.at("between.back"), 1e-4);
}

// As the prompt's camera sees a picture later, and one in the tone of another, as firm as a third.
TEST_P(GenvidTiny, PicturesOfAZoom) {
  const parity::Reference reference(GetParam().reference);
  const auto denoiser = load_denoiser();
  const Tensor picture = reference.at("latents.final").narrow(2, 0, 1);
  const Tensor other = reference.at("latents.init").narrow(2, 0, 1);
  const Tensor firm = 1.3 * reference.at("latents.init").narrow(2, 1, 1);
  parity::expect_close("toned", denoiser->toned(other, picture, firm), reference.at("toned"), 1e-4);
  const auto carried = [&] {
    return denoiser->carried(picture, reference.at("embeds.prompt"), 7.5);
  };
  parity::expect_close("carried", carried(), reference.at("carried"), 1e-4);
  // A long clip's zoom is slower; that of the next clip, of the same network, is not.
  const Tensor before = carried();
  denoiser->begin_clip(100000);
  EXPECT_EQ(at::equal(carried(), before), reference.names("ahead.own").empty());
  denoiser->begin_clip(0);
  EXPECT_TRUE(at::equal(carried(), before));
}

// A picture with its sketch.
TEST_P(GenvidTiny, Sketches) {
  const parity::Reference reference(GetParam().reference);
  const ModelFolder model = ModelFolder::open(dir_);
  const Traits traits = find_family(model).description->traits(model);
  ASSERT_EQ(model.has("sketcher"), !reference.names("sketch.").empty());
  ASSERT_EQ(model.has("sketcher"), traits.start_channels > 0);
  if (!model.has("sketcher")) return;
  const auto denoiser = load_denoiser();
  const Tensor noise = reference.at("sketch.noise");
  ASSERT_EQ(noise.size(1), traits.start_channels);
  const Tensor got =
      denoiser->predict(noise, at::full({1, 1}, 500.0), reference.at("embeds.prompt"), {});
  parity::expect_close("velocity", got, reference.at("sketch.velocity"), 1e-4);
  parity::expect_close("between", denoiser->between_tiles(noise), reference.at("sketch.between"),
                       1e-4);
  EXPECT_NEAR(denoiser->leads(noise, reference.at("embeds.prompt")),
              reference.at("sketch.leads").item<double>(), 1e-5);
  const int64_t channels = traits.geometry.latent_channels;
  EXPECT_TRUE(denoiser->finished_start(noise).equal(noise.narrow(1, 0, channels)));
  EXPECT_TRUE(denoiser->back_to_tiles(noise, noise)
                  .equal(denoiser->back_to_tiles(noise.narrow(1, 0, channels),
                                                 noise.narrow(1, 0, channels))));
  test::expect_error(ErrorKind::kUsage, "one latent frame", [&] {
    denoiser->predict(at::cat({noise, noise}, 2), at::full({1, 2}, 500.0),
                      reference.at("embeds.prompt"), {});
  });
}

// A side of a picture that goes on from the rest.
TEST_P(GenvidTiny, DrawnSides) {
  const parity::Reference reference(GetParam().reference);
  const auto denoiser = load_denoiser();
  const Tensor picture = reference.at("latents.final").narrow(2, 0, 1);
  const Tensor noise = reference.at("latents.init").narrow(2, 0, 1);
  for (const int64_t axis : {3, 4}) {
    for (const bool first : {true, false}) {
      Conditioning conditioning;
      conditioning.side = {picture, axis, std::max<int64_t>(1, picture.size(axis) / 4), first};
      const Tensor got = denoiser->predict(noise, at::full({1, 1}, 500.0),
                                           reference.at("embeds.prompt"), conditioning);
      const std::string name = "side" + std::to_string(axis) + (first ? ".first" : ".last");
      parity::expect_close(name, got, reference.at(name), 1e-4);
      if (!ModelFolder::open(dir_).has("sketcher")) continue;
      // With its sketch, of which nothing is known, or as much as of the picture.
      const Tensor start = reference.at("sketch.noise");
      const int64_t channels = picture.size(1);
      for (const std::string what : {"sketch.", "sketched."}) {
        const Tensor drawn = denoiser->predict(start, at::full({1, 1}, 500.0),
                                               reference.at("embeds.prompt"), conditioning);
        parity::expect_close(what + name, drawn, reference.at(what + name), 1e-4);
        conditioning.side.latents =
            at::cat({picture, start.narrow(1, channels, start.size(1) - channels)}, 1);
      }
    }
  }
}

// An anchor that lies ahead of the window, by a part of a latent frame.
TEST_P(GenvidTiny, AnchorAhead) {
  const parity::Reference reference(GetParam().reference);
  const auto denoiser = load_denoiser();
  Conditioning conditioning;
  conditioning.start = conditioning.anchor = {reference.at("latents.final").narrow(2, 0, 1), -2.5};
  const Tensor got =
      denoiser->predict(reference.at("latents.init").narrow(2, 0, 2), at::full({1, 2}, 500.0),
                        reference.at("embeds.prompt"), conditioning);
  parity::expect_close("ahead", got, reference.at("ahead"), 1e-4);

  if (!reference.has("ahead.own")) return;  // recorded where the camera zooms
  conditioning.anchor = {at::cat({reference.at("latents.final").narrow(2, 0, 1),
                                  reference.at("latents.init").narrow(2, 0, 1)},
                                 2),
                         -1.0};
  const Tensor each =
      denoiser->predict(reference.at("latents.init").narrow(2, 0, 2), at::full({1, 2}, 500.0),
                        reference.at("embeds.prompt"), conditioning);
  parity::expect_close("ahead.own", each, reference.at("ahead.own"), 1e-4);
}

// Windows that go on from latents of those before them, and look at the first; and a loop, whose
// last window leads back to it.
TEST_P(GenvidTiny, RolledOutClips) {
  const parity::Reference reference(GetParam().reference);
  if (golden_["rollout_steps"].get<int>() == 0) return;  // recorded for one prompt of a model
  const ModelFolder model = ModelFolder::open(dir_);
  const Traits traits = find_family(model).description->traits(model);
  for (const bool loop : {false, true}) {
    const std::string name = loop ? "loop.latents" : "rollout.latents";
    const Tensor& expected = reference.at(name);
    const test::TempDir temp;
    ClipSpec spec;
    spec.model_dir = dir_.string();
    spec.prompt = golden_["prompt"];
    spec.size = spec.model_size = traits.geometry.only_size;
    // A frame short of the last latent, which is cut.
    spec.frames = traits.geometry.frames_of(expected.size(2)) - 1;
    spec.model_frames = spec.frames + 1;
    spec.fps = traits.fps;
    spec.num_inference_steps = golden_["rollout_steps"];
    spec.guidance_scale = golden_["guidance_scale"];
    spec.guidance_scale_2 = golden_["guidance_scale_2"];
    spec.shift = traits.shift;
    spec.scheduler = traits.scheduler;
    spec.seed = golden_["seed"];
    spec.noise = "torch";
    spec.rollout = "extend";
    spec.closes = loop;
    spec.window_latents = traits.geometry.latents_of(traits.geometry.max_frames);
    spec.first_latents = loop ? 1 : traits.first_latents;
    spec.overlap_latents = traits.history_latents;
    spec.save_latents = (temp / "latents.safetensors").string();
    NoFrames sink;
    EXPECT_EQ(generate_clip(spec, sink, host_).frames, spec.frames);
    EXPECT_EQ(sink.frames, spec.frames);
    parity::expect_close(name, read_latents(spec.save_latents), expected, 5e-4);
  }
}

// A latent's four frames differ. One that is shown again and again must not tremble with it.
TEST(GenvidTinyCodec, WhatStandsStillDoesNotTremble) {
  const Tensor picture =
      parity::Reference("genvid-tiny-0.golden").at("latents.final").narrow(2, 0, 1);
  const ModelFolder model = ModelFolder::open(fs::path(GENVID_SOURCE_DIR) / "models/genvid-tiny");
  const auto vae = find_family(model).load_vae(LoadContext{&model});
  const auto decoder = vae->open_decoder();
  const auto step = [](const Tensor& from, const Tensor& to) {
    return (to - from).abs().mean().item().toDouble();
  };
  const Tensor first = decoder->push(picture), again = decoder->push(picture);
  const Tensor last = first.select(2, 3);
  EXPECT_TRUE(again.select(2, 3).equal(last));
  // Without it the whole way back in one step.
  EXPECT_LT(step(last, again.select(2, 0)), 0.3 * step(last, first.select(2, 0)));
}

INSTANTIATE_TEST_SUITE_P(Models, GenvidTiny,
                         testing::Values(Case{"tiny-genvid", "tiny-genvid.ref"},
                                         Case{"genvid-tiny", "genvid-tiny-0.golden"},
                                         Case{"genvid-tiny", "genvid-tiny-1.golden"},
                                         Case{"genvid-tiny", "genvid-tiny-2.golden"}),
                         [](const auto& info) {
                           std::string name = info.param.reference;
                           for (char& c : name) c = c == '-' || c == '.' ? '_' : c;
                           return name;
                         });

}  // namespace
}  // namespace genvid
