// The prompt encoder against transformers' UMT5EncoderModel, through the cleaned prompt's ids.
#include "families/wan/text_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/sum.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/json.h"
#include "parity/reference_helper.h"

namespace genvid {
namespace {

const std::filesystem::path kData = std::filesystem::path(GENVID_SOURCE_DIR) / "tests/data";
constexpr double kGate = 2e-5;
const char* const kVariants[] = {"tiny-wan21", "tiny-wan22-a14b", "tiny-wan22-ti2v"};

// What the golden file was made from.
Json golden_json(const std::string& variant) {
  return read_json_file(kData / (variant + ".ref.json"), ErrorKind::kUsage);
}

int64_t token_count(const Tensor& ids) { return (ids != 0).sum().item<int64_t>(); }

class Text : public testing::TestWithParam<const char*> {
 protected:
  c10::InferenceMode inference_;
  parity::Reference reference_{GetParam()};
  Json golden_ = golden_json(GetParam());
  ModelFolder model_ = ModelFolder::open(parity::model_dir(GetParam()));
  LoadContext context_{&model_};
};

TEST_P(Text, IdsAreExact) {
  for (const std::string which : {"prompt", "negative"}) {
    const auto ids = wan::tokenize(model_, golden_[which]);
    const Tensor expected = reference_.at("tokens." + which + ".ids").to(at::kLong);
    ASSERT_EQ(static_cast<int64_t>(ids.size()), expected.numel());
    const auto* want = expected.const_data_ptr<int64_t>();
    EXPECT_TRUE(std::equal(ids.begin(), ids.end(), want)) << which;
  }
}

TEST_P(Text, EmbeddingsAndBlocks) {
  const auto encoder = wan::load_text_encoder(context_);
  const parity::TapRecorder taps;
  const Tensor prompt = encoder->encode(golden_["prompt"]);
  parity::expect_close("embeds.prompt", prompt, reference_.at("embeds.prompt"), kGate);
  const int64_t tokens = token_count(reference_.at("tokens.prompt.ids"));
  for (const std::string& name : reference_.names("t5.")) {
    ASSERT_TRUE(taps.values.contains(name)) << name;
    parity::expect_close(name, taps.values.at(name), reference_.at(name).narrow(1, 0, tokens),
                         kGate);
  }
  parity::expect_close("embeds.negative", encoder->encode(golden_["negative"]),
                       reference_.at("embeds.negative"), kGate);
}

// bf16 shards on disk, fp32 arithmetic.
TEST(TextBf16, WeightsAreCastToTheContextsDtype) {
  const c10::InferenceMode inference;
  const std::string variant = "tiny-wan21-bf16";
  const parity::Reference reference(variant);
  const Json golden = golden_json(variant);
  ASSERT_EQ(golden["text_dtype"], "float32");
  const ModelFolder model = ModelFolder::open(kData / variant);
  const Tensor embeds = wan::load_text_encoder({&model})->encode(golden["prompt"]);
  parity::expect_close("embeds.prompt", embeds, reference.at("embeds.prompt"), kGate);
}

// bf16 arithmetic: every rounding where transformers has it. Whole-sequence and prompt-only
// attention sum in another order, which alone gives 3e-3 to 4e-3; arithmetic in fp32 would show
// as 1.1e-2.
TEST(TextBf16, RoundsAsTheReference) {
  const c10::InferenceMode inference;
  const parity::Reference reference("text-bf16");
  const Json golden = golden_json("tiny-wan21");
  const ModelFolder model = ModelFolder::open(parity::model_dir("tiny-wan21"));
  const LoadContext context{&model, at::kCPU, at::kBFloat16, at::kFloat};
  const auto encoder = wan::load_text_encoder(context);
  for (const std::string which : {"prompt", "negative"}) {
    const Tensor embeds = encoder->encode(golden[which]);
    EXPECT_EQ(embeds.scalar_type(), at::kBFloat16);
    const Tensor& expected = reference.at("embeds." + which);
    parity::expect_relative_rms("embeds." + which, embeds.narrow(1, 0, expected.size(1)), expected,
                                8e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Text, testing::ValuesIn(kVariants), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace genvid
