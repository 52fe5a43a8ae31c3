// What the pictures of a request become, against the reference pipeline's own inputs.
#include "families/wan/image_conditioning.h"

#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "parity/reference_helper.h"

namespace genvid::wan {
namespace {

using parity::Reference;

constexpr double kLatentsGate = 5e-4;
constexpr int64_t kFrames = 13;

Image image_of(const Tensor& rgb) {
  const auto* data = rgb.data_ptr<uint8_t>();
  return {static_cast<int>(rgb.size(1)), static_cast<int>(rgb.size(0)),
          std::vector<uint8_t>(data, data + rgb.numel())};
}

// A golden run from its own pictures, of whatever size they are.
struct Golden {
  explicit Golden(const std::string& name, const std::string& folder)
      : reference(name), model(ModelFolder::open(parity::model_dir(folder))) {
    context.model = &model;
    spec.image = image_of(reference.at("image.rgb8"));
    if (reference.has("image_last.rgb8")) {
      spec.last_image = image_of(reference.at("image_last.rgb8"));
    }
    const Tensor& resized = reference.at("cond.image");
    spec.model_size = {static_cast<int>(resized.size(3)), static_cast<int>(resized.size(2))};
    spec.model_frames = (reference.at("latents.init").size(2) - 1) * 4 + 1;
  }
  std::string refusal() const {
    try {
      prepare_conditioning(context, spec);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      return error.what();
    }
    return "";
  }

  const c10::InferenceMode inference;
  Reference reference;
  ModelFolder model;
  LoadContext context;
  ClipSpec spec;
};

void expect_channels(const Golden& run) {
  const Conditioning c = prepare_conditioning(run.context, run.spec);
  const Tensor& mask = run.reference.at("cond.mask");
  const Tensor& latents = run.reference.at("cond.latents");
  ASSERT_EQ(c.concat_latents.size(1), mask.size(1) + latents.size(1));
  parity::expect_equal("cond.mask", c.concat_latents.narrow(1, 0, mask.size(1)), mask);
  parity::expect_close("cond.latents", c.concat_latents.narrow(1, mask.size(1), latents.size(1)),
                       latents, kLatentsGate);
  EXPECT_FALSE(c.pinned_latents.defined());
}

TEST(ImageConditioning, FirstFrameWithImageTokens) {
  const Golden run("tiny-wan21-i2v", "tiny-wan21-i2v");
  ASSERT_EQ(run.spec.model_frames, kFrames);
  expect_channels(run);
  parity::expect_close("clip.embeds", prepare_conditioning(run.context, run.spec).image_embeds,
                       run.reference.at("clip.embeds"), 2e-5);
}

TEST(ImageConditioning, FirstAndLastFrame) {
  const Golden run("tiny-wan21-flf2v", "tiny-wan21-flf2v");
  expect_channels(run);
  // Both pictures' tokens in one row; the encoder saw the pictures before they were resized.
  const Tensor& embeds = run.reference.at("clip.embeds");
  ASSERT_EQ(embeds.size(0), 2);
  parity::expect_close("clip.embeds", prepare_conditioning(run.context, run.spec).image_embeds,
                       embeds.reshape({1, -1, embeds.size(2)}), 2e-5);
}

TEST(ImageConditioning, FirstFrameWithoutImageTokens) {
  const Golden run("tiny-wan22-i2v-a14b", "tiny-wan22-i2v-a14b");
  expect_channels(run);
  EXPECT_FALSE(prepare_conditioning(run.context, run.spec).image_embeds.defined());
}

TEST(ImageConditioning, PinnedFirstFrame) {
  const Golden run("tiny-wan22-ti2v-image", "tiny-wan22-ti2v");
  const Conditioning c = prepare_conditioning(run.context, run.spec);
  const Tensor& latents = run.reference.at("cond.latents");
  EXPECT_FALSE(c.concat_latents.defined());
  ASSERT_EQ(c.pinned_latents.sizes(), run.reference.at("latents.init").sizes());
  parity::expect_close("cond.latents", c.pinned_latents.narrow(2, 0, 1), latents, kLatentsGate);
  EXPECT_EQ(c.pinned, (std::vector<bool>{true, false, false}));
}

TEST(ImageConditioning, RefusesWhatTheModelCannotTake) {
  Golden pinned("tiny-wan22-ti2v-image", "tiny-wan22-ti2v");
  pinned.spec.last_image = pinned.spec.image;
  EXPECT_NE(pinned.refusal().find("takes no last image"), std::string::npos);

  Golden tokens("tiny-wan21-i2v", "tiny-wan21-i2v");
  tokens.spec.last_image = tokens.spec.image;
  EXPECT_NE(tokens.refusal().find("takes no last image"), std::string::npos);
  tokens.spec.last_image.reset();
  tokens.spec.image.reset();
  EXPECT_NE(tokens.refusal().find("needs an image"), std::string::npos);

  Golden both("tiny-wan21-flf2v", "tiny-wan21-flf2v");
  both.spec.last_image.reset();
  EXPECT_NE(both.refusal().find("--last-image"), std::string::npos);
}

}  // namespace
}  // namespace genvid::wan
