// The first picture of any file that FFmpeg decodes, as 8-bit RGB: in a child process with limits,
// since user media are hostile until decoded.
#pragma once

#include <string>

#include "genvid/types.h"

namespace genvid::media {

// EXIF-rotated, converted to sRGB/BT.709 full range and centre-cropped to the shape of `size`, at
// its own resolution: the engine scales it, since image encoders want the full picture.
// Throws Error(kUsage) naming the file and the reason.
Image read_image(const std::string& path, Size size);

}  // namespace genvid::media
