#include "families/wan/clip_preprocess.h"

#include <ATen/ops/empty.h>

#include "core/image_resize.h"

namespace genvid::wan {
Tensor clip_pixels(const Image& image, const ImageProcessorConfig& config) {
  const int64_t shortest = config.shortest_edge, size = config.crop_size;
  const auto longest = [&](int64_t a, int64_t b) {
    return static_cast<int>(static_cast<double>(shortest * a) / static_cast<double>(b));
  };
  const bool portrait = image.width <= image.height;
  const int width = portrait ? static_cast<int>(shortest) : longest(image.width, image.height);
  const int height = portrait ? longest(image.height, image.width) : static_cast<int>(shortest);
  const Image resized = resize_image(image, {width, height}, Resample::kBicubic);

  Tensor pixels = at::empty({1, 3, size, size}, at::kFloat);
  float* out = pixels.data_ptr<float>();
  const int64_t top = (height - size) / 2, left = (width - size) / 2;
  for (size_t c = 0; c < 3; ++c) {
    const auto mean = static_cast<float>(config.mean[c]), std = static_cast<float>(config.std[c]);
    for (int64_t y = 0; y < size; ++y) {
      for (int64_t x = 0; x < size; ++x) {
        const auto at = static_cast<size_t>(((y + top) * width + x + left) * 3) + c;
        const auto value = static_cast<float>(resized.pixels[at] * (1.0 / 255));
        *out++ = (value - mean) / std;
      }
    }
  }
  return pixels;
}

}  // namespace genvid::wan
