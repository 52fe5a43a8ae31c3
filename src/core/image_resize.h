// Scaling 8-bit RGB pictures bit for bit as Pillow 13 does (Image.resize), which the reference
// pipelines load pictures with: antialiased, fixed-point weights, 8 bits between the two passes.
#pragma once

#include "genvid/types.h"

namespace genvid {

enum class Resample { kBicubic, kLanczos };  // a = -0.5; a = 3

// To exactly `target`, whatever the shapes. A side that keeps its length is not filtered.
Image resize_image(const Image& image, Size target, Resample filter);

// The largest centred part of the picture that has target's shape, at its own resolution.
Image crop_to_shape(Image image, Size target);

// The picture in the middle of a larger one, its edges repeated around it.
Image extend_edges(const Image& image, Size target);

}  // namespace genvid
