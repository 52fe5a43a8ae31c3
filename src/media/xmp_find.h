// Finding the XMP packet, and what FFmpeg does not tell of a PNG or a GIF, in the bytes of a file,
// by the file's own structure. Foreign files: every length is checked, nothing is allocated by what
// a file says beyond 1 MiB.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

namespace genvid::media {

struct ByteSource {
  uint64_t size = 0;
  std::function<void(uint64_t at, void* out, size_t bytes)> read;  // within size
};

// The plain UTF-8 texts of a PNG by their keywords; 1 MiB of them at most.
std::map<std::string, std::string> png_texts(const ByteSource& file);

// From FFmpeg 6 on the bytes behind a GIF's last picture count as one more packet.
struct GifSummary {
  int64_t pictures = 0;
  std::string comment;
};
GifSummary gif_summary(const ByteSource& file);

// Of mp4, mov, PNG and GIF; nullopt for other files and for damaged ones.
std::optional<std::string> find_xmp(const ByteSource& file);

}  // namespace genvid::media
