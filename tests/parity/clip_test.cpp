// The image encoder of Wan 2.1 image models against the reference.
#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "families/wan/clip.h"
#include "families/wan/clip_preprocess.h"
#include "parity/reference_helper.h"

namespace genvid::wan {
namespace {

using parity::Reference;

Image image_of(const Tensor& rgb) {
  const auto* data = rgb.data_ptr<uint8_t>();
  return {static_cast<int>(rgb.size(1)), static_cast<int>(rgb.size(0)),
          std::vector<uint8_t>(data, data + rgb.numel())};
}

class ClipParity : public ::testing::TestWithParam<std::string> {
 protected:
  ClipParity() : reference(GetParam()), model(ModelFolder::open(parity::model_dir(GetParam()))) {}

  const c10::InferenceMode inference;
  Reference reference;
  ModelFolder model;
};

// Pictures of every shape: both resampling directions, portrait and landscape.
TEST_P(ClipParity, PixelsAreThoseOfTheReferenceExactly) {
  const ModelConfig config = read_model_config(model);
  std::vector<Tensor> pixels;
  for (const std::string name : {"image.rgb8", "image_last.rgb8"}) {
    if (!reference.has(name)) continue;
    pixels.push_back(clip_pixels(image_of(reference.at(name)), *config.image_processor));
  }
  ASSERT_FALSE(pixels.empty());
  parity::expect_close("clip.pixels", at::cat(pixels, 0), reference.at("clip.pixels"), 1e-6);
}

TEST_P(ClipParity, EmbedsAreTheLastLayerButOne) {
  LoadContext context;
  context.model = &model;
  // In bf16 runs too the image encoder stays in fp32.
  for (const auto dtype : {at::kFloat, at::kBFloat16}) {
    context.dtype = dtype;
    const Tensor embeds = load_clip(context)(reference.at("clip.pixels"));
    parity::expect_close("clip.embeds", embeds, reference.at("clip.embeds"), 2e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, ClipParity,
                         ::testing::Values("tiny-wan21-i2v", "tiny-wan21-flf2v"),
                         [](const auto& info) { return info.param.substr(11); });

}  // namespace
}  // namespace genvid::wan
