// Where XMP stands in files, as their specifications say: shared by what writes and what reads.
#pragma once

#include <string_view>

namespace genvid::media {

// The type of the ISO box: BE7ACFCB-97A9-42E8-9C71-999491E3AFAC.
inline constexpr std::string_view kXmpUuid(
    "\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac", 16);

// A GIF application extension: identifier and authentication code.
inline constexpr std::string_view kGifXmpName("XMP DataXMP", 11);

// The keyword of a PNG's iTXt chunk, and the NUL bytes behind it: not compressed, no language.
inline constexpr std::string_view kPngXmpKeyword("XML:com.adobe.xmp", 17);

}  // namespace genvid::media
