// Scaling against Pillow's own results, and turning against what each EXIF orientation means.
#include "media/image_resize.h"

#include <gtest/gtest.h>

#include "media/av.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

Image noise_image(int width, int height) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (uint8_t byte : noise_bytes(x, y, 0)) image.pixels.push_back(byte);
    }
  }
  return image;
}

uint32_t crc32(const Image& image) {
  return ~av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), ~0u, image.pixels.data(),
                 image.pixels.size());
}

TEST(ImageResize, EqualsPillow) {
  struct Golden {
    Size source, target;
    uint32_t crc;
  };
  // scripts/parity/image_fit_golden.py
  const Golden kGolden[] = {
      {{64, 48}, {32, 24}, 0x32df9320u},   {{64, 48}, {128, 96}, 0xcd5c74bdu},
      {{100, 30}, {48, 48}, 0xab633b84u},  {{333, 217}, {96, 64}, 0x9b584545u},
      {{97, 61}, {832, 480}, 0x212eb295u}, {{64, 48}, {64, 32}, 0xd0647529u},
      {{64, 48}, {32, 48}, 0x02dc626cu},   {{1200, 20}, {64, 64}, 0x7f681324u},
  };
  for (const Golden& g : kGolden) {
    Image out = fit(noise_image(g.source.width, g.source.height), g.target);
    ASSERT_EQ(out.width, g.target.width);
    ASSERT_EQ(out.height, g.target.height);
    EXPECT_EQ(crc32(out), g.crc) << g.source.width << "x" << g.source.height << " to "
                                 << g.target.width << "x" << g.target.height;
  }
}

TEST(ImageResize, TheSameSizeIsUntouched) {
  Image image = noise_image(50, 40);
  EXPECT_EQ(fit(image, {50, 40}).pixels, image.pixels);
}

TEST(ImageResize, TurnsAsTheMatrixSays) {
  // A picture a b c / d e f, one byte of each pixel.
  Image image{3, 2, {}};
  for (char c : std::string("abcdef")) image.pixels.insert(image.pixels.end(), 3, uint8_t(c));
  auto text = [](const Image& out) {
    std::string s;
    for (size_t i = 0; i < out.pixels.size(); i += 3) s += static_cast<char>(out.pixels[i]);
    return s;
  };
  struct Turn {
    double degrees;  // clockwise
    bool mirror;
    const char* want;
  };
  for (const Turn& turn : {Turn{0, false, "abcdef"},
                           {90, false, "daebfc"},
                           {180, false, "fedcba"},
                           {270, false, "cfbead"},
                           {0, true, "cbafed"}}) {
    int32_t matrix[9];
    av_display_rotation_set(matrix, turn.degrees);
    if (turn.mirror) av_display_matrix_flip(matrix, 1, 0);
    Image out = orient(image, matrix);
    EXPECT_EQ(text(out), turn.want) << turn.degrees;
    bool swapped = turn.degrees == 90 || turn.degrees == 270;
    EXPECT_EQ(out.width, swapped ? 2 : 3);
  }
}

}  // namespace
}  // namespace genvid::media
