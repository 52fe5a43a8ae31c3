// "did you mean" for words that people type.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace genvid {

// The candidate nearest to word by edits (insert, delete, replace, swap of neighbours; letter case
// is free), else the shortest one that begins with the word, or "" when none is near.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean \"seed\"?", or "".
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace genvid
