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

constexpr double kGate = 2e-5;
const char* const kVariants[] = {"tiny-wan21", "tiny-wan22-a14b", "tiny-wan22-ti2v"};

// What the golden file was made from.
Json golden_json(const std::string& variant) {
  const std::filesystem::path data = std::filesystem::path(GENVID_SOURCE_DIR) / "tests/data";
  return read_json_file(data / (variant + ".ref.json"), ErrorKind::kUsage);
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

// bf16 weights and bf16 arithmetic, as the published checkpoints run.
TEST(TextBf16, EmbeddingsAreNear) {
  const c10::InferenceMode inference;
  const std::filesystem::path data = std::filesystem::path(GENVID_SOURCE_DIR) / "tests/data";
  const parity::Reference reference("tiny-wan21-bf16");
  const Json golden = golden_json("tiny-wan21-bf16");
  ASSERT_EQ(golden["text_dtype"], "bf16");
  const ModelFolder model = ModelFolder::open(data / "tiny-wan21-bf16");
  const LoadContext context{&model, at::kCPU, at::kBFloat16, at::kFloat};
  const auto encoder = wan::load_text_encoder(context);
  for (const std::string which : {"prompt", "negative"}) {
    const Tensor embeds = encoder->encode(golden[which]);
    EXPECT_EQ(embeds.scalar_type(), at::kBFloat16);
    parity::expect_relative_rms("embeds." + which, embeds, reference.at("embeds." + which), 2e-2);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, Text, testing::ValuesIn(kVariants), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace genvid
