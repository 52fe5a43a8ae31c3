// Whole clips by diffusion forcing against diffusers' own pipelines, recorded by
// scripts/parity/make_diffusion_forcing.py: all frames together, block behind block, windows behind
// windows, and behind a picture.
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <ostream>

#include "conformance/model_helper.h"
#include "weights/tensor_file.h"

namespace genvid::conformance {
namespace {

constexpr double kLatentsGate = 5e-4;
const std::filesystem::path kReference = std::filesystem::path(GENVID_SOURCE_DIR) / "tests" /
                                         "data" / "diffusion-forcing.ref.safetensors";

struct Golden {
  std::string name;
  int64_t latents, window, overlap, block, ar_step;
  double noise;
  int steps;
  double guidance;
  int fps = 24;
  std::string behind = {};  // "image", "video" or nothing
  bool ending = false;
};

Image image_of(const Tensor& rgb) {
  const auto* bytes = rgb.const_data_ptr<uint8_t>();
  return {static_cast<int>(rgb.size(1)), static_cast<int>(rgb.size(0)),
          std::vector<uint8_t>(bytes, bytes + rgb.numel())};
}

// The picture, or the end of the video, that the script gives its pipelines.
void add_start(const Golden& run, ClipSpec& spec) {
  if (run.ending) spec.last_image = image_of(read_tensors(kReference).at("last.rgb8"));
  if (run.behind == "image") spec.image = image_of(read_tensors(kReference).at("image.rgb8"));
  if (run.behind != "video") return;
  const Tensor video = read_tensors(kReference).at("video.rgb8");
  const int64_t known = (run.overlap - 1) * 4 + 1, frames = video.size(0);
  for (int64_t i = frames - known; i < frames; ++i)
    spec.past.push_back(image_of(video.select(0, i)));
  spec.model_frames = (run.latents - run.overlap - 1) * 4 + 1;
  spec.frames = (run.latents - run.overlap) * 4 - 2;
}

ClipSpec spec_of(const Golden& run) {
  ClipSpec spec;
  spec.model_dir = tiny_model("tiny-skyreels-v2-df").string();
  spec.prompt = "a small house by the sea at dawn";
  spec.negative_prompt = "blurred";
  spec.size = spec.model_size = {48, 32};
  spec.model_frames = (run.latents - 1) * 4 + 1;
  spec.frames = spec.model_frames - 2;  // the last latent is needed, and two frames too many come
  spec.fps = {run.fps, 1};
  spec.num_inference_steps = run.steps;
  spec.guidance_scale = spec.guidance_scale_2 = run.guidance;
  spec.shift = 8;
  spec.seed = 11;
  spec.rollout = "diffusion-forcing";
  spec.window_latents = run.window;
  spec.overlap_latents = run.overlap;
  spec.block_latents = run.block;
  spec.ar_step = run.ar_step;
  spec.addnoise_condition = run.noise;
  add_start(run, spec);
  return spec;
}

void PrintTo(const Golden& c, std::ostream* out) { *out << c.name; }

class Forcing : public ::testing::TestWithParam<Golden> {
 protected:
  const c10::InferenceMode inference;
};

TEST_P(Forcing, LatentsAreThoseOfTheReference) {
  const Golden run = GetParam();
  CountingSink sink;
  const ClipSpec spec = spec_of(run);
  const Tensor made = make_clip(spec, sink);
  const TensorFile golden = read_tensors(kReference);
  EXPECT_LE(max_abs(made, golden.at(run.name + ".latents")), kLatentsGate);
  EXPECT_EQ(sink.frames, spec.frames);
  EXPECT_EQ(sink.expected, spec.frames);
  EXPECT_TRUE(sink.finished);
}

INSTANTIATE_TEST_SUITE_P(
    Runs, Forcing,
    ::testing::Values(Golden{"sync", 5, 5, 0, 1, 0, 0, 6, 6},
                      Golden{"async", 6, 6, 0, 2, 2, 0, 5, 6},
                      Golden{"frames", 4, 4, 0, 1, 3, 0, 4, 1, 16},
                      Golden{"long", 15, 7, 3, 1, 0, 20, 4, 6},
                      Golden{"long_async", 12, 8, 4, 2, 2, 20, 4, 3},
                      Golden{"image", 12, 7, 2, 1, 0, 20, 4, 5, 24, "image"},
                      Golden{"ending", 6, 6, 0, 1, 1, 0, 4, 5, 24, "image", true},
                      Golden{"ending_long", 11, 6, 1, 1, 0, 20, 4, 5, 24, "image", true},
                      Golden{"extend", 11, 7, 3, 1, 0, 20, 4, 6, 24, "video"},
                      Golden{"extend_async", 12, 8, 4, 2, 2, 20, 4, 3, 16, "video"}),
    [](const auto& info) { return info.param.name; });

class ForcingClip : public ::testing::Test {
 protected:
  const c10::InferenceMode inference;
};

// Windows are whole, so that one does not know how long the clip will be.
TEST_F(ForcingClip, ALongerClipBeginsWithTheShorterOne) {
  const Golden run{"long_async", 12, 8, 4, 2, 2, 20, 3, 3};
  CountingSink whole, part;
  ClipSpec spec = spec_of(run);
  const Tensor all = make_clip(spec, whole);
  spec.frames = 8 * 4 + 2;  // one latent frame of the second window
  const Tensor begin = make_clip(spec, part);
  ASSERT_EQ(begin.size(2), 10);
  EXPECT_TRUE(same_bytes(begin, all.narrow(2, 0, begin.size(2)).contiguous()));
  EXPECT_EQ(part.frames, spec.frames);
}

// All frames at one level in one window is what the ordinary rollout does, but for what the solver
// remembers of its first step; with one step that does not matter.
TEST_F(ForcingClip, TogetherIsTheOrdinaryWindow) {
  ClipSpec spec = spec_of({"sync", 5, 5, 0, 1, 0, 0, 1, 6});
  CountingSink a, b;
  const Tensor forced = make_clip(spec, a);
  spec.rollout = "window";
  spec.window_latents = spec.block_latents = 0;
  EXPECT_LE(max_abs(forced, make_clip(spec, b)), 1e-6);
}

// The first latent frame of a block of three is the picture's; the others are made.
TEST_F(ForcingClip, APictureStandsInABlockWithOthers) {
  ClipSpec spec = spec_of({"", 6, 6, 0, 3, 1, 0, 2, 1, 24, "image"});
  CountingSink a, b;
  const Tensor with = make_clip(spec, a);
  EXPECT_TRUE(with.isfinite().all().item<bool>());
  spec.addnoise_condition = 20;
  const Tensor noisy = make_clip(spec, b);
  EXPECT_TRUE(same_bytes(with.narrow(2, 0, 1).contiguous(), noisy.narrow(2, 0, 1).contiguous()))
      << "what is given stays as it is";
  EXPECT_GT(max_abs(with, noisy), 1e-4) << "the noise must matter";
}

}  // namespace
}  // namespace genvid::conformance
