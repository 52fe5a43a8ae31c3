#include "text/prompt_clean.h"

#include <string>

#include "core/limits.h"
#include "genvid/error.h"
#include "text/html_entities.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/windows1252.h"

namespace genvid {
namespace {

// Nested entities ("&amp;amp;...") are undone layer by layer; nobody writes this many layers.
constexpr int kMaxRounds = 64;

// Typographic ligatures and digraphs of Latin letters, taken apart.
std::u32string_view ligature(char32_t c) {
  switch (c) {
    case 0x132:
      return U"IJ";
    case 0x133:
      return U"ij";
    case 0x149:
      return U"\u02BCn";
    case 0x1F1:
      return U"DZ";
    case 0x1F2:
      return U"Dz";
    case 0x1F3:
      return U"dz";
    case 0x1C4:
      return U"D\u017D";
    case 0x1C5:
      return U"D\u017E";
    case 0x1C6:
      return U"d\u017E";
    case 0x1C7:
      return U"LJ";
    case 0x1C8:
      return U"Lj";
    case 0x1C9:
      return U"lj";
    case 0x1CA:
      return U"NJ";
    case 0x1CB:
      return U"Nj";
    case 0x1CC:
      return U"nj";
    case 0xFB00:
      return U"ff";
    case 0xFB01:
      return U"fi";
    case 0xFB02:
      return U"fl";
    case 0xFB03:
      return U"ffi";
    case 0xFB04:
      return U"ffl";
    case 0xFB05:
      return U"\u017Ft";
    case 0xFB06:
      return U"st";
    default:
      return {};
  }
}

char32_t uncurl_quote(char32_t c) {
  if (c >= 0x201C && c <= 0x201F) return U'"';
  if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B)) return U'\'';
  return c;
}

bool is_line_break(char32_t c) { return c == U'\r' || c == 0x2028 || c == 0x2029 || c == 0x85; }

bool is_removed_control(char32_t c) {
  return c <= 0x08 || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
         (c >= 0x206A && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFC);
}

std::u32string fix_characters(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t raw : text) {
    const char32_t c = from_windows1252(raw);
    const std::u32string_view parts = ligature(c);
    if (parts.empty()) {
      out.push_back(c);
    } else {
      out += parts;
    }
  }
  out = to_usual_width(out);
  for (char32_t& c : out) c = uncurl_quote(c);
  return out;
}

std::u32string fix_line_breaks(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const bool crlf = text[i] == U'\r' && i + 1 < text.size() && text[i + 1] == U'\n';
    if (!crlf) out.push_back(is_line_break(text[i]) ? U'\n' : text[i]);
  }
  return out;
}

// Removes ESC [ digits and semicolons, letter.
std::u32string remove_terminal_escapes(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    if (text[i] == 0x1B && i + 1 < text.size() && text[i + 1] == U'[') {
      size_t end = i + 2;
      while (end < text.size() && (text[end] == U';' || is_decimal_digit(text[end]))) ++end;
      const char32_t last = end < text.size() ? text[end] | 0x20 : 0;
      if (last >= U'a' && last <= U'z') {
        i = end + 1;
        continue;
      }
    }
    out.push_back(text[i++]);
  }
  return out;
}

// ftfy.fix_text on one line, without fix_encoding.
std::u32string fix_line(std::u32string text, bool unescape) {
  for (int round = 0; round < kMaxRounds; ++round) {
    std::u32string fixed = unescape ? unescape_html_cautiously(text) : text;
    fixed = remove_terminal_escapes(fix_line_breaks(fix_characters(fixed)));
    std::erase_if(fixed, is_removed_control);
    fixed = to_nfc(fixed);
    if (fixed == text) break;
    text = std::move(fixed);
  }
  return text;
}

// Entities are left alone from the first line on that holds a '<': that text is HTML.
std::u32string fix_text(const std::u32string& text) {
  std::u32string out;
  bool unescape = true;
  for (size_t pos = 0; pos < text.size();) {
    const size_t newline = text.find(U'\n', pos);
    const size_t end = newline == std::u32string::npos ? text.size() : newline + 1;
    std::u32string line = text.substr(pos, end - pos);
    if (line.find(U'<') != std::u32string::npos) unescape = false;
    out += fix_line(std::move(line), unescape);
    pos = end;
  }
  return out;
}

// Each run of white space becomes one space; none at the ends.
std::u32string collapse_space(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  bool pending = false;
  for (const char32_t c : text) {
    if (is_unicode_space(c)) {
      pending = !out.empty();
      continue;
    }
    if (pending) out.push_back(U' ');
    pending = false;
    out.push_back(c);
  }
  return out;
}

}  // namespace

std::string clean_prompt(std::string_view prompt) {
  if (prompt.size() > limits::kPromptBytes) {
    throw Error(ErrorKind::kUsage, "the prompt has " + std::to_string(prompt.size()) +
                                       " bytes; at most " + std::to_string(limits::kPromptBytes) +
                                       " are allowed: shorten it");
  }
  if (const auto at = invalid_utf8_at(prompt)) {
    constexpr char kHex[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(prompt[*at]);
    throw Error(ErrorKind::kUsage, "the prompt is not valid UTF-8 at byte " + std::to_string(*at) +
                                       " (0x" + kHex[byte >> 4] + kHex[byte & 15] +
                                       "): give it as UTF-8");
  }
  const std::u32string fixed = fix_text(decode_utf8(prompt));
  return encode_utf8(collapse_space(unescape_html(unescape_html(fixed))));
}

}  // namespace genvid
