// Pictures as the image encoder takes them (transformers' CLIPImageProcessor with Pillow).
#pragma once

#include "families/wan/config.h"
#include "genvid/types.h"
#include "tensor/tensor.h"

namespace genvid::wan {

// Shortest edge to size, centre crop, [0, 1], mean and standard deviation: fp32 [1, 3, S, S].
Tensor clip_pixels(const Image& image, const ImageProcessorConfig& config);

}  // namespace genvid::wan
