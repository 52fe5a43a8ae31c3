// Text in PNG files: the container tags and the XMP packet.
#pragma once

#include <cstdint>
#include <vector>

#include "media/av.h"
#include "media/video_writer.h"

namespace genvid::media {

// All of it as iTXt chunks (PNG, 11.3.4.5).
std::vector<uint8_t> png_text(const OutputOptions& options);

// A picture as the encoder gave it, with these chunks behind its header.
std::vector<uint8_t> png_with_text(const AVPacket* packet, const std::vector<uint8_t>& text);

}  // namespace genvid::media
