// The first picture of an open media file as upright 8-bit RGB. Runs in read_image()'s child.
#pragma once

#include "genvid/types.h"
#include "media/media_input.h"

namespace genvid::media {

inline constexpr int64_t kMaxImagePixels = 100'000'000;

// Throws Error(kUsage).
Image decode_image(const InputFile& file);

}  // namespace genvid::media
