// The causal transformer with its cache against one pass over all blocks under a block-causal mask,
// made by scripts/parity/make_causal.py on the reference's layers.
#include <ATen/ops/full.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "families/wan/text_encoder.h"
#include "families/wan/transformer_denoiser.h"
#include "parity/reference_helper.h"

namespace genvid {
namespace {

constexpr double kCallGate = 1e-4;
constexpr char kPrompt[] = "a small house by the sea at dawn";

struct Case {
  std::string name;
  int64_t block, window, sink;
  std::vector<int64_t> cuts = {};  // blocks where a scene begins; each moves time on by five frames
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class CausalParity : public ::testing::TestWithParam<Case> {
 protected:
  CausalParity()
      : reference("tiny-wan21-causal"),
        model(ModelFolder::open(parity::model_dir("../tests/data/tiny-wan21-causal"))) {
    context.model = &model;
    prompt = wan::load_text_encoder(context)->encode(kPrompt);
    denoiser = wan::load_denoiser(context, "transformer");
  }

  static CausalRollout rollout(const Case& c) {
    CausalRollout out;
    out.block = c.block;
    out.window = c.window;
    out.sink = c.sink;
    if (!c.cuts.empty()) out.cut = SceneCut{5, ""};
    return out;
  }

  const c10::InferenceMode inference;
  parity::Reference reference;
  ModelFolder model;
  LoadContext context;
  Tensor prompt;
  std::unique_ptr<Denoiser> denoiser;
};

TEST_P(CausalParity, EveryCachedBlockIsThatOfOneMaskedPass) {
  const Case c = GetParam();
  const Tensor& input = reference.at("masked.input");
  const Tensor& expected = reference.at("masked." + c.name);
  const auto stream = denoiser->open_stream(rollout(c), prompt);
  ASSERT_EQ(expected.size(2), input.size(2));
  for (int64_t first = 0; first < input.size(2); first += c.block) {
    if (std::find(c.cuts.begin(), c.cuts.end(), first / c.block) != c.cuts.end()) stream->cut();
    const Tensor block = input.narrow(2, first, c.block);
    const auto at_level = [&](float t) {
      return stream->predict(block, at::full({1, c.block}, t, at::kFloat));
    };
    at_level(1000.0f);  // an earlier step, whose keys and values must not stay
    parity::expect_close("block at " + std::to_string(first), at_level(700.0f),
                         expected.narrow(2, first, c.block), kCallGate);
    stream->commit(block);
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, CausalParity,
                         ::testing::Values(Case{"sink", 3, 9, 3}, Case{"nosink", 2, 6, 0},
                                           Case{"single", 1, 3, 2}, Case{"alone", 3, 3, 0},
                                           Case{"cuts", 1, 4, 1, {3, 9, 10, 16}},
                                           Case{"early", 2, 8, 4, {1, 2, 5}},
                                           Case{"nopin", 3, 6, 0, {2, 4}}),
                         [](const auto& info) { return info.param.name; });

// What is remembered behind the sink is as if the new prompt had been there from there on.
TEST_P(CausalParity, AnotherPromptHoldsForWhatIsRemembered) {
  const Case c = GetParam();
  const Tensor& input = reference.at("masked.input");
  const Tensor other = wan::load_text_encoder(context)->encode("a boat at night");
  const auto late = denoiser->open_stream(rollout(c), prompt);
  const auto early = denoiser->open_stream(rollout(c), prompt);
  const int64_t blocks = c.window / c.block;  // none is forgotten yet
  const auto block = [&](int64_t b) { return input.narrow(2, b * c.block, c.block); };
  for (int64_t b = 0; b + 1 < blocks; ++b) {
    if (b == c.sink / c.block) early->change_prompt(other);
    late->commit(block(b));
    early->commit(block(b));
  }
  if (blocks - 1 == c.sink / c.block) early->change_prompt(other);
  const Tensor t = at::full({1, c.block}, 700.0f, at::kFloat);
  const Tensor before = late->predict(block(blocks - 1), t);
  late->change_prompt(other);
  const Tensor after = late->predict(block(blocks - 1), t);
  parity::expect_close("after the change", after, early->predict(block(blocks - 1), t), 1e-6);
  EXPECT_GT(parity::max_abs(before, after), 1e-3) << "the prompt must matter";
  // And on: blocks that are made after it go into the same ring.
  for (int64_t b = blocks - 1; (b + 2) * c.block <= input.size(2); ++b) {
    late->commit(block(b));
    early->commit(block(b));
    parity::expect_close("a later block", late->predict(block(b + 1), t),
                         early->predict(block(b + 1), t), 1e-6);
  }
}

// Behind a full window, where blocks have been forgotten already.
TEST_P(CausalParity, APromptMayChangeBehindAFullWindow) {
  const Case c = GetParam();
  const Tensor& input = reference.at("masked.input");
  const auto stream = denoiser->open_stream(rollout(c), prompt);
  const int64_t blocks = input.size(2) / c.block;
  for (int64_t b = 0; b + 1 < blocks; ++b) stream->commit(input.narrow(2, b * c.block, c.block));
  const Tensor last = input.narrow(2, (blocks - 1) * c.block, c.block);
  const Tensor t = at::full({1, c.block}, 700.0f, at::kFloat);
  const Tensor before = stream->predict(last, t);
  stream->change_prompt(wan::load_text_encoder(context)->encode("a boat at night"));
  EXPECT_GT(parity::max_abs(before, stream->predict(last, t)), 1e-3);
  stream->change_prompt(prompt);
  const Tensor again = stream->predict(last, t);
  stream->change_prompt(prompt);
  parity::expect_close("the same prompt again", stream->predict(last, t), again, 1e-6);
}

TEST_P(CausalParity, FirstBlockIsThePlainPrediction) {
  const Case c = GetParam();
  const Tensor block = reference.at("masked.input").narrow(2, 0, c.block);
  const Tensor t = at::full({1, c.block}, 700.0f, at::kFloat);
  const Tensor plain = denoiser->predict(block, t, prompt, {});
  const Tensor cached = denoiser->open_stream(rollout(c), prompt)->predict(block, t);
  parity::expect_close("first block", cached, plain, 1e-6);
}

// One timestep per frame is another path than one for all; the smallest difference takes it.
TEST_P(CausalParity, EqualTimestepsOfFramesAreOneTimestep) {
  const Tensor block = reference.at("masked.input").narrow(2, 0, 3);
  Tensor t = at::full({1, 3}, 700.0f, at::kFloat);
  const Tensor scalar = denoiser->predict(block, t, prompt, {});
  t.select(1, 1).fill_(std::nextafter(700.0f, 1000.0f));
  parity::expect_close("per frame", denoiser->predict(block, t, prompt, {}), scalar, kCallGate);
  t.select(1, 1).fill_(100.0f);
  EXPECT_GT(parity::max_abs(denoiser->predict(block, t, prompt, {}), scalar), 1e-2)
      << "the timesteps of frames must matter";
}

}  // namespace
}  // namespace genvid
