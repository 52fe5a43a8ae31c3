#include "core/clip_id.h"

namespace genvid {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool dash_before(size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

}  // namespace

ClipId::ClipId(std::array<uint8_t, 16> bytes) : bytes_(bytes) {
  bytes_[6] = static_cast<uint8_t>((bytes_[6] & 0x0f) | 0x80);  // version 8
  bytes_[8] = static_cast<uint8_t>((bytes_[8] & 0x3f) | 0x80);  // variant
}

std::optional<ClipId> ClipId::parse(std::string_view text) {
  constexpr std::string_view kUrn = "urn:uuid:";
  if (text.substr(0, kUrn.size()) == kUrn) text.remove_prefix(kUrn.size());
  constexpr size_t kTextBytes = 36;
  if (text.size() != kTextBytes) return std::nullopt;
  std::array<uint8_t, 16> bytes{};
  size_t at = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (dash_before(i) && text[at++] != '-') return std::nullopt;
    const int high = digit_of(text[at]), low = digit_of(text[at + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(high << 4 | low);
    at += 2;
  }
  const ClipId id(bytes);
  if (id.bytes_ != bytes) return std::nullopt;  // another version or variant
  return id;
}

std::string ClipId::text() const {
  std::string text;
  for (size_t i = 0; i < bytes_.size(); ++i) {
    if (dash_before(i)) text += '-';
    text += kDigits[bytes_[i] >> 4];
    text += kDigits[bytes_[i] & 15];
  }
  return text;
}

uint64_t ClipId::short_id() const {
  uint64_t value = 0;
  for (size_t i = 0; i < kShortBits / 8; ++i) value = value << 8 | bytes_[i];
  return value;
}

ClipId::operator bool() const { return *this != ClipId(); }

std::string short_id_text(uint64_t short_id) {
  std::string text;
  for (int shift = ClipId::kShortBits - 4; shift >= 0; shift -= 4) {
    if (shift == 12) text += '-';
    text += kDigits[short_id >> shift & 15];
  }
  return text;
}

}  // namespace genvid
