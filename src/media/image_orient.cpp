#include "media/image_orient.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>

namespace genvid::media {

Image orient(Image image, const int32_t* matrix) {
  const int64_t a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
  bool swap = std::abs(b) > std::abs(a);
  bool flip_x = swap ? c < 0 : a < 0;
  bool flip_y = swap ? b < 0 : d < 0;
  if (!swap && !flip_x && !flip_y) return image;
  Image out{swap ? image.height : image.width, swap ? image.width : image.height, {}};
  out.pixels.resize(image.pixels.size());
  const uint8_t* from = image.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x, from += 3) {
      int to_x = swap ? y : x, to_y = swap ? x : y;
      if (flip_x) to_x = out.width - 1 - to_x;
      if (flip_y) to_y = out.height - 1 - to_y;
      size_t at = size_t{3} * (static_cast<size_t>(to_y) * static_cast<size_t>(out.width) +
                               static_cast<size_t>(to_x));
      std::copy(from, from + 3, out.pixels.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }
  return out;
}

}  // namespace genvid::media
