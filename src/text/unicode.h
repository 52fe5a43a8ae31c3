// The little of Unicode that the prompt clean-up needs: white space, NFC, full-width forms. The
// tables are data: unicode_tables.inc, written by scripts/text/make_tables.py.
#pragma once

#include <string>
#include <string_view>

namespace genvid {

bool is_unicode_space(char32_t c);  // Python's str.isspace
bool is_decimal_digit(char32_t c);  // Python's \d

// Normalisation form C.
std::u32string to_nfc(std::u32string_view text);

// Full-width Latin and half-width kana and Hangul become their usual forms (NFKC of U+FF01..FFEF),
// the ideographic space becomes a space.
std::u32string to_usual_width(std::u32string_view text);

}  // namespace genvid
