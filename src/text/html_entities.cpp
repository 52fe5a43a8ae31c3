#include "text/html_entities.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "text/utf8.h"
#include "text/windows1252.h"

namespace genvid {
namespace {

struct Entity {
  std::string_view name;
  std::string_view value;
};

#include "text/html_entities.inc"

template <size_t N>
std::optional<std::u32string> find(const Entity (&table)[N], std::string_view name) {
  const auto* end = table + N;
  const auto* found = std::lower_bound(
      table, end, name, [](const Entity& e, std::string_view n) { return e.name < n; });
  if (found == end || found->name != name) return std::nullopt;
  return decode_utf8(found->value);
}

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_hex(char32_t c) {
  return is_digit(c) || (c >= U'a' && c <= U'f') || (c >= U'A' && c <= U'F');
}
bool is_alnum(char32_t c) {
  return is_digit(c) || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
}
bool ends_name(char32_t c) {
  return std::u32string_view(U"\t\n\f <&#;").find(c) != std::u32string_view::npos;
}
// The longest prefix of s that is ASCII; entity names are.
std::string ascii_prefix(std::u32string_view s) {
  std::string out;
  for (const char32_t c : s) {
    if (c >= 0x80) break;
    out.push_back(static_cast<char>(c));
  }
  return out;
}

// What a numeric reference stands for: 0x80..0x9F mean Windows-1252, as in every browser.
std::u32string from_number(uint32_t n) {
  if (n == 0 || (n >= 0xD800 && n <= 0xDFFF) || n > 0x10FFFF) return U"\uFFFD";
  if (n >= 0x80 && n <= 0x9F) return {from_windows1252(n)};
  const bool control = (n < 0x20 && n != '\t' && n != '\n' && n != '\f' && n != '\r') || n == 0x7F;
  const bool noncharacter = (n >= 0xFDD0 && n <= 0xFDEF) || (n & 0xFFFE) == 0xFFFE;
  if (control || noncharacter) return {};
  return {static_cast<char32_t>(n)};
}

struct Reference {
  size_t length = 0;  // of the source text after '&'; 0 = no reference
  std::u32string value;
};

// s starts after '&' with '#'.
Reference numeric_reference(std::u32string_view s) {
  const bool hex = s.size() > 1 && (s[1] == U'x' || s[1] == U'X');
  const size_t first = hex ? 2 : 1;
  size_t end = first;
  uint32_t n = 0;
  for (; end < s.size() && (hex ? is_hex(s[end]) : is_digit(s[end])); ++end) {
    const uint32_t digit = is_digit(s[end]) ? s[end] - U'0' : (s[end] | 0x20) - U'a' + 10;
    n = std::min<uint32_t>(n * (hex ? 16 : 10) + digit, 0x110000);
  }
  if (end == first) return {};
  if (end < s.size() && s[end] == U';') ++end;
  return {end, from_number(n)};
}

// s starts after '&'.
Reference named_reference(std::u32string_view s) {
  size_t end = 0;
  while (end < s.size() && end < 32 && !ends_name(s[end])) ++end;
  if (end == 0) return {};
  if (end < s.size() && s[end] == U';') ++end;
  const std::string name = ascii_prefix(s.substr(0, end));
  for (size_t length = name.size(); length > 1; --length) {
    if (auto value = find(kHtml5, std::string_view(name).substr(0, length))) {
      return {length, std::move(*value)};
    }
  }
  return {};
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const std::u32string_view rest = text.substr(i + 1);
    Reference r;
    if (text[i] == U'&' && !rest.empty()) {
      r = rest[0] == U'#' ? numeric_reference(rest) : named_reference(rest);
    }
    if (r.length == 0) {
      out.push_back(text[i++]);
    } else {
      out += r.value;
      i += 1 + r.length;
    }
  }
  return out;
}

std::u32string unescape_html_cautiously(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const std::u32string_view rest = text.substr(i + 1);
    const bool number = text[i] == U'&' && !rest.empty() && rest[0] == U'#';
    const size_t first = number ? 1 : 0;
    size_t end = first;
    while (text[i] == U'&' && end < rest.size() && end - first < 24 && is_alnum(rest[end])) ++end;
    std::optional<std::u32string> value;
    if (end > first && end < rest.size() && rest[end] == U';') {
      if (number) {
        Reference r = numeric_reference(rest);
        // A reference that stands for a semicolon stays, as in ftfy.
        if (r.length == end + 1 && r.value != U";") value = std::move(r.value);
      } else {
        const std::string name = ascii_prefix(rest.substr(0, end + 1));
        value = find(kHtml5, name);
        if (!value) value = find(kCapitals, name);
      }
    }
    if (value) {
      out += *value;
      i += end + 2;
    } else {
      out.push_back(text[i++]);
    }
  }
  return out;
}

}  // namespace genvid
