// A strict pull parser for JSON text (RFC 8259) that came from anywhere: bounded depth, UTF-8 and
// escapes checked, nothing allowed after the value, every error with line and column. It allocates
// nothing but the strings it returns. json.cpp builds documents on it; safetensors.cpp reads its
// header with it directly, so that a hostile header never becomes a document.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/limits.h"
#include "genvid/error.h"

namespace genvid {

struct JsonNumber {
  enum class Kind { kUnsigned, kNegative, kReal };
  Kind kind = Kind::kUnsigned;
  uint64_t u = 0;   // kUnsigned
  int64_t i = 0;    // kNegative
  double real = 0;  // kReal, finite
};

class JsonReader {
 public:
  enum class Type { kObject, kArray, kString, kNumber, kBoolean, kNull };

  // text must outlive the reader. what names the input in messages.
  JsonReader(std::string_view text, std::string_view what, ErrorKind kind);

  // The type of the value that comes next.
  Type peek();

  // begin_object(); while (next_key(key)) { read one value; }
  void begin_object();
  bool next_key(std::string& key);
  // begin_array(); while (next_item()) { read one value; }
  void begin_array();
  bool next_item();

  std::string read_string();
  JsonNumber read_number();
  bool read_boolean();
  void read_null();

  // Nothing but white space may follow.
  void finish();

  // Where the value or key read last began.
  size_t last_position() const { return last_; }
  [[noreturn]] void fail(const std::string& message) const { fail_at(last_, message); }
  [[noreturn]] void fail_at(size_t position, const std::string& message) const;

 private:
  void skip_space();
  char take_value_start();
  void open(char bracket);
  bool next_element(char close);
  void read_literal(std::string_view word);
  void read_string_into(std::string& out);
  void read_escape(std::string& out);
  uint32_t read_hex4();
  void read_utf8(std::string& out);
  [[noreturn]] void fail_here(const std::string& message) const { fail_at(at_, message); }

  std::string_view text_;
  std::string_view what_;
  ErrorKind kind_;
  size_t at_ = 0;
  size_t last_ = 0;
  int depth_ = 0;
  std::array<bool, limits::kJsonDepth + 1> first_{};  // no element of this level was read yet
};

// Length of the valid UTF-8 sequence that text begins with; 0 when it is not valid (overlong,
// surrogate, above U+10FFFF, cut off). text must not be empty.
size_t utf8_sequence(std::string_view text);

}  // namespace genvid
