// XMP: the packet that says that a machine made this, with which system, when, and under which id,
// in the places where exiftool and editors look for it:
//   mp4 m4v   uuid box at the end       mov       moov/udta/XMP_
//   webm mkv  tag XMP, and DIGITAL_SOURCE_TYPE by itself
//   gif       application extension     png       iTXt "XML:com.adobe.xmp"
// y4m and raw video can hold none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace genvid::media {

// IPTC's word for what a model made.
inline constexpr std::string_view kTrainedAlgorithmicMedia =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";

// And for what holds frames of other origin, too.
inline constexpr std::string_view kCompositeWithTrainedAlgorithmicMedia =
    "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";

struct XmpFields {
  std::string digital_source_type{kTrainedAlgorithmicMedia};  // Iptc4xmpExt:DigitalSourceType
  std::string system_name;                                    // Iptc4xmpExt:AISystemUsed
  std::string system_version;                                 // Iptc4xmpExt:AISystemVersionUsed
  std::string created;    // xmp:CreateDate, "2026-11-22T19:30:00Z"
  std::string unique_id;  // dc:identifier, "urn:uuid:..."
  bool operator==(const XmpFields&) const = default;
};

std::string xmp_packet(const XmpFields& fields);

// The fields of a packet, ours or another program's; what is not there stays empty. Throws
// Error(kUsage) on what is no XMP.
XmpFields parse_xmp(std::string_view packet);

// The packet in a file, found by the file's content; nullopt when it has none or cannot hold one.
// Throws Error(kUsage) for a file that cannot be read.
std::optional<std::string> read_xmp_packet(const std::string& path);

}  // namespace genvid::media
