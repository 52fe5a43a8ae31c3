// The unique id of a clip: 128 bits, written as a UUID of version 8 (RFC 9562: bits of our own
// making). It names the pixels: the same prompt, model, seed and settings give the same id, so the
// same command gives the same file; another codec of the same clip keeps it.
//
// It stands in the record ("clip_id"), in the XMP (dc:identifier), and its first 48 bits in the
// invisible mark, which survives when everything else is stripped.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace genvid {

class ClipId {
 public:
  static constexpr int kShortBits = 48;

  ClipId() = default;  // the nil UUID: no id
  // Of 16 bytes, e.g. the first half of a SHA-256; six bits become the version and variant.
  explicit ClipId(std::array<uint8_t, 16> bytes);

  // "3f2504e0-4f89-8d3a-9a0c-0305e82c3301", also with "urn:uuid:" before it; nullopt for any other
  // text, also for a UUID of another version.
  static std::optional<ClipId> parse(std::string_view text);

  std::string text() const;        // "3f2504e0-..."
  uint64_t short_id() const;       // the first 48 bits, which are the first 12 digits
  explicit operator bool() const;  // not nil
  bool operator==(const ClipId&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};
};

// How verify shows a short id: "3f2504e0-4f89".
std::string short_id_text(uint64_t short_id);

}  // namespace genvid
