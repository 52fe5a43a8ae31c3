#include "core/json_reader.h"

#include <charconv>
#include <cmath>

#include "core/log.h"

namespace genvid {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string show(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte < 0x7f) return std::string("'") + c + "'";
  constexpr char kHex[] = "0123456789ABCDEF";
  return std::string("byte 0x") + kHex[byte >> 4] + kHex[byte & 15];
}

void append_utf8(uint32_t code, std::string& out) {
  const auto add = [&out](uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | (code >> 6));
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | (code >> 12));
    add(0x80 | ((code >> 6) & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | (code >> 18));
    add(0x80 | ((code >> 12) & 0x3F));
    add(0x80 | ((code >> 6) & 0x3F));
    add(0x80 | (code & 0x3F));
  }
}

// Length of a number by the grammar of RFC 8259; 0 when text does not begin with one.
size_t number_length(std::string_view text, bool& integral) {
  size_t n = 0;
  const auto at = [&](size_t i) { return i < text.size() ? text[i] : '\0'; };
  if (at(n) == '-') ++n;
  if (!is_digit(at(n))) return 0;
  if (at(n) == '0') {
    ++n;
  } else {
    while (is_digit(at(n))) ++n;
  }
  integral = true;
  if (at(n) == '.') {
    integral = false;
    if (!is_digit(at(++n))) return 0;
    while (is_digit(at(n))) ++n;
  }
  if (at(n) == 'e' || at(n) == 'E') {
    integral = false;
    ++n;
    if (at(n) == '+' || at(n) == '-') ++n;
    if (!is_digit(at(n))) return 0;
    while (is_digit(at(n))) ++n;
  }
  return n;
}

}  // namespace

size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return tail(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;  // surrogates
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

JsonReader::JsonReader(std::string_view text, std::string_view what, ErrorKind kind)
    : text_(text), what_(what), kind_(kind) {}

void JsonReader::fail_at(size_t position, const std::string& message) const {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < position && i < text_.size(); ++i) {
    ++column;
    if (text_[i] == '\n') {
      ++line;
      column = 1;
    }
  }
  throw Error(kind_, log::printable(what_) + ":" + std::to_string(line) + ":" +
                         std::to_string(column) + ": " + message);
}

void JsonReader::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
    ++at_;
  }
}

char JsonReader::take_value_start() {
  skip_space();
  last_ = at_;
  if (at_ >= text_.size()) fail_here("the JSON ends where a value is expected");
  return text_[at_];
}

JsonReader::Type JsonReader::peek() {
  const char c = take_value_start();
  if (c == '{') return Type::kObject;
  if (c == '[') return Type::kArray;
  if (c == '"') return Type::kString;
  if (c == '-' || is_digit(c)) return Type::kNumber;
  if (c == 't' || c == 'f') return Type::kBoolean;
  if (c == 'n') return Type::kNull;
  fail_here("expected a JSON value, found " + show(c));
}

void JsonReader::open(char bracket) {
  const char c = take_value_start();
  if (c != bracket) fail_here(std::string("expected '") + bracket + "', found " + show(c));
  if (depth_ >= limits::kJsonDepth) {
    fail_here("nested deeper than " + std::to_string(limits::kJsonDepth) + " levels");
  }
  first_[++depth_] = true;
  ++at_;
}

bool JsonReader::next_element(char close) {
  skip_space();
  if (at_ >= text_.size()) fail_here(std::string("the JSON ends before '") + close + "'");
  if (text_[at_] == close) {
    ++at_;
    --depth_;
    return false;
  }
  if (!first_[depth_]) {
    if (text_[at_] != ',') {
      fail_here(std::string("expected ',' or '") + close + "', found " + show(text_[at_]));
    }
    ++at_;
    skip_space();
  }
  first_[depth_] = false;
  return true;
}

void JsonReader::begin_object() { open('{'); }
void JsonReader::begin_array() { open('['); }
bool JsonReader::next_item() { return next_element(']'); }

bool JsonReader::next_key(std::string& key) {
  if (!next_element('}')) return false;
  key.clear();
  const size_t start = at_;
  if (at_ >= text_.size() || text_[at_] != '"') fail_here("expected a key in double quotes");
  read_string_into(key);
  skip_space();
  if (at_ >= text_.size() || text_[at_] != ':') fail_here("expected ':' after the key");
  ++at_;
  last_ = start;
  return true;
}

std::string JsonReader::read_string() {
  if (take_value_start() != '"') fail_here("expected a string, found " + show(text_[at_]));
  std::string out;
  read_string_into(out);
  return out;
}

void JsonReader::read_string_into(std::string& out) {
  ++at_;  // the opening quote
  while (true) {
    // Plain ASCII in one piece, then the one byte that ended it.
    const size_t start = at_;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
      ++at_;
    }
    out.append(text_.substr(start, at_ - start));
    if (at_ >= text_.size()) fail_here("the JSON ends inside a string");
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') {
      ++at_;
      return;
    }
    if (c == '\\') {
      read_escape(out);
    } else if (c < 0x20) {
      fail_here("unescaped control character in a string, " + show(text_[at_]));
    } else {
      read_utf8(out);
    }
  }
}

void JsonReader::read_utf8(std::string& out) {
  const size_t length = utf8_sequence(text_.substr(at_));
  if (length == 0) fail_here("invalid UTF-8 in a string, " + show(text_[at_]));
  out.append(text_.substr(at_, length));
  at_ += length;
}

uint32_t JsonReader::read_hex4() {
  uint32_t code = 0;
  const char* begin = text_.data() + at_;
  if (text_.size() - at_ < 4) fail_here("a \\u escape needs four hexadecimal digits");
  const auto [end, error] = std::from_chars(begin, begin + 4, code, 16);
  if (error != std::errc() || end != begin + 4) {
    fail_here("a \\u escape needs four hexadecimal digits");
  }
  at_ += 4;
  return code;
}

void JsonReader::read_escape(std::string& out) {
  const size_t start = at_;
  ++at_;
  if (at_ >= text_.size()) fail_here("the JSON ends inside a string");
  const char c = text_[at_++];
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  const size_t known = kNames.find(c);
  if (known != std::string_view::npos) {
    out.push_back(kValues[known]);
    return;
  }
  if (c != 'u') fail_at(start, "unknown escape, backslash and " + show(c));
  uint32_t code = read_hex4();
  if (code >= 0xDC00 && code <= 0xDFFF) fail_at(start, "lone low surrogate in a \\u escape");
  if (code >= 0xD800 && code <= 0xDBFF) {
    if (text_.substr(at_, 2) != "\\u") fail_at(start, "lone high surrogate in a \\u escape");
    at_ += 2;
    const uint32_t low = read_hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail_at(start, "lone high surrogate in a \\u escape");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(code, out);
}

JsonNumber JsonReader::read_number() {
  const char start = take_value_start();
  bool integral = false;
  const size_t length = number_length(text_.substr(at_), integral);
  if (length == 0) {
    fail_here(start == '-' || is_digit(start) ? "malformed number"
                                              : "expected a number, found " + show(start));
  }
  const char* begin = text_.data() + at_;
  const char* end = begin + length;
  JsonNumber number;
  at_ += length;
  // "-0" stays a real, so that its sign is kept.
  if (integral && *begin != '-') {
    if (std::from_chars(begin, end, number.u).ec == std::errc()) return number;
  } else if (integral && std::from_chars(begin, end, number.i).ec == std::errc() && number.i != 0) {
    number.kind = JsonNumber::Kind::kNegative;
    return number;
  }
  number.kind = JsonNumber::Kind::kReal;
  if (std::from_chars(begin, end, number.real).ec != std::errc() || !std::isfinite(number.real)) {
    fail("the number " + std::string(begin, std::min<size_t>(length, 40)) +
         " is outside the range of a double");
  }
  return number;
}

void JsonReader::read_literal(std::string_view word) {
  if (text_.substr(at_, word.size()) != word) {
    fail_here("expected '" + std::string(word) + "'");
  }
  at_ += word.size();
}

bool JsonReader::read_boolean() {
  const char c = take_value_start();
  if (c != 't' && c != 'f') fail_here("expected true or false, found " + show(c));
  read_literal(c == 't' ? "true" : "false");
  return c == 't';
}

void JsonReader::read_null() {
  take_value_start();
  read_literal("null");
}

void JsonReader::finish() {
  skip_space();
  if (at_ != text_.size()) fail_here("unexpected " + show(text_[at_]) + " after the JSON value");
}

}  // namespace genvid
