// Turning against what each EXIF orientation means.
#include "media/image_orient.h"

#include <gtest/gtest.h>

#include "media/av.h"

namespace genvid::media {
namespace {

TEST(ImageOrient, TurnsAsTheMatrixSays) {
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
