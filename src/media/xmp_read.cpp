// read_xmp_packet(): from a file by its structure, or from its tags where FFmpeg reads those.
#include "core/input_file.h"
#include "media/encoder_table.h"
#include "media/probe.h"
#include "media/xmp.h"
#include "media/xmp_find.h"

namespace genvid::media {

std::optional<std::string> read_xmp_packet(const std::string& path) {
  const genvid::InputFile file(path, ErrorKind::kUsage);
  constexpr uint64_t kEbmlBytes = 4;
  std::string head(kEbmlBytes, '\0');
  if (file.size() < kEbmlBytes) return std::nullopt;
  file.read_at(0, head.data(), head.size());
  if (head != "\x1a\x45\xdf\xa3") {
    return find_xmp(
        {file.size(), [&](uint64_t at, void* out, size_t bytes) { file.read_at(at, out, bytes); }});
  }
  for (const auto& [key, value] : probe(path).tags) {  // Matroska: upper or lower case
    if (lower_case(key) == "xmp") return value;
  }
  return std::nullopt;
}

}  // namespace genvid::media
