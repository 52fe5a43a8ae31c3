// UTF-8 to code points and back. No table, no locale.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace genvid {

// The byte offset of the first thing that is not well-formed UTF-8 (overlong forms, surrogates and
// code points above U+10FFFF included), or nothing.
std::optional<size_t> invalid_utf8_at(std::string_view text);

// text must be valid.
std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);

}  // namespace genvid
