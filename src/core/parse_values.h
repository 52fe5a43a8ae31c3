// Numbers, sizes and frame rates from text, exactly or not at all: no locale, no white space, no
// sign where none belongs, no rest. For the command line, JSON settings and genvid.json.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "genvid/types.h"

namespace genvid {

std::optional<int64_t> parse_integer(std::string_view text);
std::optional<uint64_t> parse_unsigned(std::string_view text);
std::optional<double> parse_number(std::string_view text);  // finite; no hexadecimal, inf or nan

// "832x480"; each side in [1, 2^31).
std::optional<Size> parse_size(std::string_view text);
// "24", "23.976", "30000/1001"; above 0, below 1,000,000, in lowest terms.
std::optional<Rational> parse_rate(std::string_view text);
// The rate that a decimal number means: 24 is 24/1, 23.976 and 23.98 are 24000/1001, 12.5 is 25/2.
std::optional<Rational> rate_of(double fps);

std::string to_text(const Size& size);      // "832x480"
std::string to_text(const Rational& rate);  // "24" or "30000/1001"

}  // namespace genvid
