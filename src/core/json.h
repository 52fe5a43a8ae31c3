// Strict JSON as documents: UTF-8, no duplicate keys, no NaN, nothing after the value, bounded size
// and depth. Parsing is ours (json_reader.h); nlohmann's library only holds and prints the values.
// Errors carry line and column. Readers of checkpoint configs ignore keys they do not know but
// check the type and range of each one they use.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "genvid/error.h"

namespace genvid {

using Json = nlohmann::json;

// what names the input in messages, e.g. "vae/config.json".
Json parse_json(std::string_view text, std::string_view what, ErrorKind kind);
Json read_json_file(const std::filesystem::path& path, ErrorKind kind);

// Typed, range-checked look-ups in an object. A missing key gives the fallback; a wrong type or a
// value outside [lo, hi] throws Error(kind) naming `what` and the key.
class JsonObject {
 public:
  JsonObject(const Json& object, std::string what, ErrorKind kind);

  bool has(const std::string& key) const;  // present and not null
  int64_t integer(const std::string& key, int64_t fallback, int64_t lo, int64_t hi) const;
  int64_t require_integer(const std::string& key, int64_t lo, int64_t hi) const;
  double number(const std::string& key, double fallback, double lo, double hi) const;
  bool boolean(const std::string& key, bool fallback) const;
  std::string string(const std::string& key, const std::string& fallback) const;
  std::vector<int64_t> integers(const std::string& key, const std::vector<int64_t>& fallback,
                                int64_t lo, int64_t hi, size_t max_count) const;
  std::vector<double> numbers(const std::string& key, const std::vector<double>& fallback,
                              size_t max_count) const;
  std::vector<bool> booleans(const std::string& key, const std::vector<bool>& fallback,
                             size_t max_count) const;

 private:
  const Json* find(const std::string& key) const;  // nullptr: absent or null
  const Json* find_list(const std::string& key, size_t max_count) const;
  int64_t checked_integer(const std::string& key, const Json& value, int64_t lo, int64_t hi) const;
  [[noreturn]] void fail(const std::string& key, const Json& value,
                         const std::string& expected) const;

  const Json* object_;
  std::string what_;
  ErrorKind kind_;
};

}  // namespace genvid
