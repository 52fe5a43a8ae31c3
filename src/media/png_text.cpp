#include "media/png_text.h"

#include "media/xmp_places.h"

namespace genvid::media {
namespace {

using Bytes = std::vector<uint8_t>;

void append_u32(Bytes& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

// Keyword, uncompressed, no language, UTF-8 text.
void append_text_chunk(Bytes& out, const std::string& key, const std::string& text) {
  Bytes body = {'i', 'T', 'X', 't'};
  std::string keyword = key.substr(0, 79);
  body.insert(body.end(), keyword.begin(), keyword.end());
  body.insert(body.end(), {0, 0, 0, 0, 0});
  body.insert(body.end(), text.begin(), text.end());
  append_u32(out, static_cast<uint32_t>(body.size() - 4));
  out.insert(out.end(), body.begin(), body.end());
  uint32_t crc = av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), ~0u, body.data(), body.size());
  append_u32(out, ~crc);
}

}  // namespace

std::vector<uint8_t> png_text(const OutputOptions& options) {
  Bytes text;
  for (const auto& [key, value] : options.metadata) append_text_chunk(text, key, value);
  if (options.xmp) append_text_chunk(text, std::string(kPngXmpKeyword), xmp_packet(*options.xmp));
  return text;
}

std::vector<uint8_t> png_with_text(const AVPacket* packet, const std::vector<uint8_t>& text) {
  constexpr int kHeaderBytes = 8 + 25;  // signature and IHDR: text may follow
  Bytes data(packet->data, packet->data + packet->size);
  if (packet->size > kHeaderBytes) {
    data.insert(data.begin() + kHeaderBytes, text.begin(), text.end());
  }
  return data;
}

}  // namespace genvid::media
