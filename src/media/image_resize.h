// Turning and scaling of 8-bit RGB pictures.
#pragma once

#include <cstdint>

#include "genvid/types.h"

namespace genvid::media {

// The picture as a 3x3 display matrix (FFmpeg, libavutil/display.h) wants it shown: one of the
// eight turns and mirrorings; other matrices leave it as it is.
Image orient(Image image, const int32_t* matrix);

// The largest centred part of target's shape, scaled to exactly `target` by Lanczos (a = 3,
// widened when shrinking), rows first. Bit for bit Pillow's ImageOps.fit(image, size, LANCZOS),
// which reference pipelines load images with (Pillow 13 scales columns first for some tall
// pictures). The same size comes back unchanged.
Image fit(Image image, Size target);

}  // namespace genvid::media
