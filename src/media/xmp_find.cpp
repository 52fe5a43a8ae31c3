#include "media/xmp_find.h"

#include <algorithm>
#include <array>

#include "media/xmp_places.h"

namespace genvid::media {
namespace {

constexpr uint64_t kMostBytes = 1 << 20;  // of a packet
constexpr int kMostParts = 1'000'000;     // boxes, chunks or blocks looked at

using Found = std::optional<std::string>;

std::string read_text(const ByteSource& file, uint64_t at, uint64_t bytes) {
  std::string text(static_cast<size_t>(bytes), '\0');
  file.read(at, text.data(), text.size());
  return text;
}

bool has(const ByteSource& file, uint64_t at, uint64_t bytes) {
  return at <= file.size && bytes <= file.size - at;
}

uint64_t big_endian(const ByteSource& file, uint64_t at, size_t bytes) {
  std::array<uint8_t, 8> raw{};
  file.read(at, raw.data(), bytes);
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value = value << 8 | raw[i];
  return value;
}

Found packet_at(const ByteSource& file, uint64_t at, uint64_t end) {
  if (end < at || end - at > kMostBytes) return std::nullopt;
  return read_text(file, at, end - at);
}

// Boxes of [at, end): uuid at the top, moov > udta > XMP_ below.
Found in_boxes(const ByteSource& file, uint64_t at, uint64_t end, const std::string& inside,
               int& parts) {
  while (at <= end && end - at >= 8 && ++parts < kMostParts) {
    uint64_t bytes = big_endian(file, at, 4), header = 8;
    const std::string type = read_text(file, at + 4, 4);
    if (bytes == 1) {
      if (end - at < 16) return std::nullopt;
      bytes = big_endian(file, at + 8, 8);
      header = 16;
    } else if (bytes == 0) {
      bytes = end - at;
    }
    if (bytes < header || bytes > end - at) return std::nullopt;
    const uint64_t body = at + header, next = at + bytes;
    Found found;
    if (inside.empty() && type == "uuid" && next - body >= kXmpUuid.size()) {
      if (read_text(file, body, kXmpUuid.size()) == kXmpUuid) {
        found = packet_at(file, body + kXmpUuid.size(), next);
      }
    } else if ((inside.empty() && type == "moov") || (inside == "moov" && type == "udta")) {
      found = in_boxes(file, body, next, type, parts);
    } else if (inside == "udta" && type == "XMP_") {
      found = packet_at(file, body, next);
    }
    if (found) return found;
    at = next;
  }
  return std::nullopt;
}

bool is_png(const ByteSource& file) {
  return has(file, 0, 8) && read_text(file, 0, 8) == std::string_view("\x89PNG\r\n\x1a\n", 8);
}

bool is_gif(const ByteSource& file) { return has(file, 0, 4) && read_text(file, 0, 4) == "GIF8"; }

class GifWalk {
 public:
  explicit GifWalk(const ByteSource& file) : file_(file) {}

  // To the end of the file, or to its first damage.
  void run() {
    if (!has(file_, 0, 13)) return;
    at_ = 13 + table_bytes(10);
    for (int parts = 0; has(file_, at_, 1) && parts < kMostParts; ++parts) {
      const uint8_t kind = byte(at_++);
      std::string* text = nullptr;
      if (kind == 0x2c && has(file_, at_, 10)) {  // a picture
        at_ += 9 + table_bytes(at_ + 8) + 1;
        ++summary.pictures;
      } else if (kind == 0x21 && has(file_, at_, 1)) {  // an extension
        const uint8_t label = byte(at_++);
        if (label == 0xff && is_xmp()) packet = raw_packet();
        if (label == 0xfe) text = &summary.comment;
      } else {
        return;
      }
      if (!skip_blocks(text)) return;
    }
  }

  GifSummary summary;
  Found packet;

 private:
  uint8_t byte(uint64_t at) const { return static_cast<uint8_t>(big_endian(file_, at, 1)); }

  // Of the colour table that the flags at this place announce.
  uint64_t table_bytes(uint64_t flags_at) const {
    const uint8_t flags = byte(flags_at);
    return (flags & 0x80) != 0 ? uint64_t{3} << ((flags & 7) + 1) : 0;
  }

  bool is_xmp() const {
    return has(file_, at_, 12) && byte(at_) == 11 && read_text(file_, at_ + 1, 11) == kGifXmpName;
  }

  // Up to the bytes 1, 255, 254, ... 0, 0 that follow a packet.
  Found raw_packet() const {
    const uint64_t start = at_ + 12, most = std::min(file_.size - start, kMostBytes);
    const std::string text = read_text(file_, start, most);
    const size_t end = text.find(std::string_view("\x01\xff\xfe\xfd\xfc", 5));
    if (end == std::string::npos) return std::nullopt;
    return text.substr(0, end);
  }

  // Their bytes go to `text`, if any.
  bool skip_blocks(std::string* text) {
    for (int blocks = 0; has(file_, at_, 1) && blocks < kMostParts; ++blocks) {
      const uint8_t bytes = byte(at_++);
      if (bytes == 0) return true;
      if (!has(file_, at_, bytes)) return false;
      if (text != nullptr && text->size() < kMostBytes) *text += read_text(file_, at_, bytes);
      at_ += bytes;
    }
    return false;
  }

  const ByteSource& file_;
  uint64_t at_ = 0;
};

}  // namespace

std::map<std::string, std::string> png_texts(const ByteSource& file) {
  std::map<std::string, std::string> texts;
  if (!is_png(file)) return texts;
  uint64_t at = 8, total = 0;
  for (int parts = 0; has(file, at, 12) && parts < kMostParts; ++parts) {
    const uint64_t bytes = big_endian(file, at, 4);
    if (!has(file, at + 12, bytes)) break;
    if (read_text(file, at + 4, 4) == "iTXt" && (total += bytes) <= kMostBytes) {
      const std::string body = read_text(file, at + 8, bytes);
      // Keyword, NUL, compression flag and method, language NUL, translated keyword NUL, text.
      const size_t key = body.find('\0');
      if (key != std::string::npos && body.compare(key, 5, std::string(5, '\0')) == 0) {
        texts.emplace(body.substr(0, key), body.substr(key + 5));
      }
    }
    at += 12 + bytes;
  }
  return texts;
}

GifSummary gif_summary(const ByteSource& file) {
  if (!is_gif(file)) return {};
  GifWalk walk(file);
  walk.run();
  return walk.summary;
}

std::optional<std::string> find_xmp(const ByteSource& file) {
  if (!has(file, 0, 16)) return std::nullopt;
  const std::string head = read_text(file, 0, 8);
  if (is_png(file)) {
    const std::map<std::string, std::string> texts = png_texts(file);
    const auto found = texts.find(std::string(kPngXmpKeyword));
    return found == texts.end() ? std::nullopt : Found(found->second);
  }
  if (is_gif(file)) {
    GifWalk walk(file);
    walk.run();
    return walk.packet;
  }
  const std::string type = head.substr(4);
  if (type != "ftyp" && type != "moov" && type != "wide" && type != "free" && type != "mdat") {
    return std::nullopt;
  }
  int parts = 0;
  return in_boxes(file, 0, file.size, "", parts);
}

}  // namespace genvid::media
