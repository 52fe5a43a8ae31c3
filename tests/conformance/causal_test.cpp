// Whole clips by the causal rollout against scripts/parity/make_causal.py, which is written from
// the published equations: block size, window, sink and samplers differ from run to run.
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <ostream>

#include "conformance/model_helper.h"
#include "weights/tensor_file.h"

namespace genvid::conformance {
namespace {

constexpr double kLatentsGate = 5e-4;
const std::filesystem::path kData = std::filesystem::path(GENVID_SOURCE_DIR) / "tests" / "data";

struct Golden {
  std::string name;
  int64_t block, window, sink, latents;
  std::string scheduler;
  double guidance;
  std::vector<PromptChange> changes = {};
};

ClipSpec spec_of(const Golden& run) {
  ClipSpec spec;
  spec.model_dir = (kData / "tiny-wan21-causal").string();
  spec.prompt = "a small house by the sea at dawn";
  spec.negative_prompt = "blurred";
  spec.size = spec.model_size = {48, 32};
  spec.model_frames = (run.latents - 1) * 4 + 1;
  spec.frames = spec.model_frames - 2;  // the last latent is needed, and two frames too many come
  spec.fps = {16, 1};
  spec.num_inference_steps = 4;
  spec.guidance_scale = spec.guidance_scale_2 = run.guidance;
  spec.shift = 5;
  spec.scheduler = run.scheduler;
  spec.seed = 11;
  spec.rollout = "causal";
  spec.block_latents = run.block;
  spec.window_latents = run.window;
  spec.sink_latents = run.sink;
  spec.prompt_changes = run.changes;
  spec.recache = false;
  spec.cut_offset = 5;
  if (run.scheduler == "renoise") spec.timesteps = {1000, 937.5, 833.3333333333334, 625};
  return spec;
}

void PrintTo(const Golden& c, std::ostream* out) { *out << c.name; }

class Causal : public ::testing::TestWithParam<Golden> {
 protected:
  const c10::InferenceMode inference;
};

TEST_P(Causal, LatentsAreThoseOfTheReferenceLoop) {
  const Golden run = GetParam();
  CountingSink sink;
  const ClipSpec spec = spec_of(run);
  const Tensor made = make_clip(spec, sink);
  const TensorFile golden = read_tensors(kData / "tiny-wan21-causal.ref.safetensors");
  EXPECT_LE(max_abs(made, golden.at(run.name + ".latents")), kLatentsGate);
  EXPECT_EQ(sink.frames, spec.frames);
  EXPECT_EQ(sink.expected, spec.frames);
  EXPECT_TRUE(sink.finished);
}

// A block does not know how long the clip will be.
TEST_P(Causal, ALongerClipBeginsWithTheShorterOne) {
  const Golden run = GetParam();
  ClipSpec spec = spec_of(run);
  CountingSink whole, part;
  const Tensor all = make_clip(spec, whole);
  spec.frames = (run.latents - run.block - 1) * 4 + 1;
  const Tensor begin = make_clip(spec, part);
  ASSERT_EQ(begin.size(2), run.latents - run.block);
  EXPECT_TRUE(same_bytes(begin, all.narrow(2, 0, begin.size(2)).contiguous()));
}

// Cuts behind a full and a filling window, next to each other, and other prompts besides.
const std::vector<PromptChange> kCuts = {{3, "The scene transitions. a boat at night", true},
                                         {4, "a boat at night"},
                                         {6, "rain"},
                                         {8, "The scene transitions. a forest", true},
                                         {9, "The scene transitions. a castle on a hill", true},
                                         {10, "a castle on a hill"}};
const std::vector<PromptChange> kOneCut = {kCuts[0], kCuts[1]};

INSTANTIATE_TEST_SUITE_P(Runs, Causal,
                         ::testing::Values(Golden{"sink", 3, 12, 3, 21, "renoise", 1},
                                           Golden{"nosink", 3, 6, 0, 15, "renoise", 1},
                                           Golden{"unipc", 2, 8, 2, 14, "unipc", 1},
                                           Golden{"guided", 1, 3, 1, 6, "renoise", 3},
                                           Golden{"cuts", 2, 8, 2, 24, "unipc", 1, kCuts},
                                           Golden{"guidedcuts", 1, 4, 1, 9, "renoise", 3, kOneCut}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace genvid::conformance
