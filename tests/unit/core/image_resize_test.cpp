// Scaling against Pillow's own results (tests/data/resize_cases.json, made by scripts/parity).
#include "core/image_resize.h"

#include <gtest/gtest.h>

#include "core/json.h"

namespace genvid {
namespace {

// The picture that the cases file describes.
Image case_image(int width, int height) {
  Image image{width, height, {}};
  for (uint32_t y = 0; y < static_cast<uint32_t>(height); ++y) {
    for (uint32_t x = 0; x < static_cast<uint32_t>(width); ++x) {
      for (uint32_t c = 0; c < 3; ++c) {
        const uint64_t v = x * 73 + y * 151 + c * 199 + x * y * 31;
        image.pixels.push_back(static_cast<uint8_t>((v * 2654435761u % (uint64_t{1} << 32)) >> 24));
      }
    }
  }
  return image;
}

std::string hex(const Image& image) {
  std::string out;
  for (const uint8_t b : image.pixels) {
    out += "0123456789abcdef"[b >> 4];
    out += "0123456789abcdef"[b & 15];
  }
  return out;
}

TEST(ImageResize, EqualsPillow) {
  const Json file =
      read_json_file(GENVID_SOURCE_DIR "/tests/data/resize_cases.json", ErrorKind::kModel);
  int checked = 0;
  for (const Json& c : file.at("cases")) {
    const auto from = c.at("from").get<std::vector<int>>(), to = c.at("to").get<std::vector<int>>();
    const auto name = c.at("filter").get<std::string>();
    const Resample filter = name == "lanczos" ? Resample::kLanczos : Resample::kBicubic;
    const Image out = resize_image(case_image(from[0], from[1]), {to[0], to[1]}, filter);
    EXPECT_EQ(hex(out), c.at("rgb").get<std::string>())
        << name << " " << from[0] << "x" << from[1] << " to " << to[0] << "x" << to[1];
    ++checked;
  }
  EXPECT_GE(checked, 24);
}

TEST(ImageResize, CropsTheMiddleToTheShape) {
  const Image image = case_image(30, 10);
  const Image square = crop_to_shape(image, {64, 64});
  EXPECT_EQ(square.width, 10);
  EXPECT_EQ(square.height, 10);
  EXPECT_EQ(square.pixels[0], image.pixels[10 * 3]);
  const Image same = crop_to_shape(image, {60, 20});
  EXPECT_EQ(same.pixels, image.pixels);
  const Image thin = crop_to_shape(case_image(1, 900), {64, 2});
  EXPECT_EQ(thin.width, 1);
  EXPECT_EQ(thin.height, 1);
}

TEST(ImageResize, RepeatsItsEdgesAroundIt) {
  const Image image = case_image(2, 1);
  const Image out = extend_edges(image, {5, 3});
  ASSERT_EQ(out.pixels.size(), 45u);
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 5; ++x) {  // one column to the left, two to the right
      EXPECT_EQ(out.pixels[(y * 5 + x) * 3], image.pixels[x < 2 ? 0 : 3]) << x << " " << y;
    }
  }
  EXPECT_EQ(extend_edges(image, {2, 1}).pixels, image.pixels);
}

}  // namespace
}  // namespace genvid
