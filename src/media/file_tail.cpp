#include "media/file_tail.h"

#include <algorithm>

#include "media/xmp.h"
#include "media/xmp_places.h"

namespace genvid::media {
namespace {

// Sub-blocks of at most 255 bytes and the empty one that ends them (GIF89a, 15).
void append_blocks(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const std::string_view block = text.substr(0, 255);
    out += static_cast<char>(block.size());
    out += block;
    text.remove_prefix(block.size());
  }
  out += '\0';
}

// The XMP specification, part 3: the packet stands there as it is, not in sub-blocks; the bytes
// behind it lead a reader of sub-blocks, wherever it stumbles in, to the end.
void append_gif_xmp(std::string& out, std::string_view packet) {
  out += "\x21\xff\x0b";
  out += kGifXmpName;
  out += packet;
  out += '\x01';
  for (int byte = 0xff; byte >= 0; --byte) out += static_cast<char>(byte);
  out += '\0';
}

}  // namespace

std::string iso_xmp_box(std::string_view packet) {
  std::string box;
  const auto bytes = static_cast<uint32_t>(8 + kXmpUuid.size() + packet.size());
  for (int shift = 24; shift >= 0; shift -= 8) box += static_cast<char>(bytes >> shift);
  box += "uuid";
  box += kXmpUuid;
  box += packet;
  return box;
}

std::string gif_tail(std::string_view comment, std::string_view packet) {
  std::string tail;
  if (!comment.empty()) {
    tail += "\x21\xfe";
    append_blocks(tail, comment);
  }
  if (!packet.empty()) append_gif_xmp(tail, packet);
  tail += '\x3b';
  return tail;
}

FileTail file_tail(const OutputPlan& plan, const OutputOptions& options) {
  const std::string packet = options.xmp ? xmp_packet(*options.xmp) : "";
  if (plan.muxer == "mp4" && !packet.empty()) return {iso_xmp_box(packet), 0};
  if (plan.is_gif()) {
    const auto comment = options.metadata.find("comment");
    return {gif_tail(comment == options.metadata.end() ? "" : comment->second, packet), 1};
  }
  return {};
}

std::map<std::string, std::string> muxer_tags(const OutputPlan& plan,
                                              const OutputOptions& options) {
  std::map<std::string, std::string> tags = options.metadata;
  if (!options.xmp) return tags;
  if (plan.muxer == "mov") tags["xmp"] = xmp_packet(*options.xmp);
  if (plan.muxer == "matroska" || plan.muxer == "webm") {
    tags["XMP"] = xmp_packet(*options.xmp);
    tags["DIGITAL_SOURCE_TYPE"] = options.xmp->digital_source_type;
  }
  return tags;
}

}  // namespace genvid::media
