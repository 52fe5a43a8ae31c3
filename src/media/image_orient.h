// Turning 8-bit RGB pictures upright.
#pragma once

#include <cstdint>

#include "genvid/types.h"

namespace genvid::media {

// The picture as a 3x3 display matrix (FFmpeg, libavutil/display.h) wants it shown: one of the
// eight turns and mirrorings; other matrices leave it as it is.
Image orient(Image image, const int32_t* matrix);

}  // namespace genvid::media
