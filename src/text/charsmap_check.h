// The character map of a SentencePiece normaliser (precompiled_charsmap): a size, a Darts
// double-array trie from UTF-8 prefixes to offsets, and NUL-terminated replacements. The library
// walks the trie without looking at its bounds, so everything it could reach is checked here.
#pragma once

#include <string>
#include <string_view>

namespace genvid {

// An empty string when the map is safe to use, else what is wrong with it.
std::string charsmap_error(std::string_view blob);

}  // namespace genvid
