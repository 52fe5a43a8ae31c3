// The first picture of any file that FFmpeg decodes, as 8-bit RGB: in a child process with limits,
// since user media are hostile until decoded.
#pragma once

#include <string>

#include "genvid/types.h"

namespace genvid::media {

// EXIF-rotated, converted to sRGB/BT.709 full range, scaled to cover `size` (Lanczos) and
// centre-cropped to exactly `size`; a picture already of that size is passed through unchanged.
// Throws Error(kUsage) naming the file and the reason.
Image read_image(const std::string& path, Size size);

}  // namespace genvid::media
