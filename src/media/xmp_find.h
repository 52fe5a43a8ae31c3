// Finding the XMP packet in the bytes of a file, by the file's own structure. Foreign files: every
// length is checked, nothing is allocated by what a file says beyond 1 MiB.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace genvid::media {

struct ByteSource {
  uint64_t size = 0;
  std::function<void(uint64_t at, void* out, size_t bytes)> read;  // within size
};

// Of mp4, mov, PNG and GIF; nullopt for other files and for damaged ones.
std::optional<std::string> find_xmp(const ByteSource& file);

}  // namespace genvid::media
