// A second, plain reading of a safetensors header, on nlohmann's parser: what the format says, with
// the liberties that the reference reader takes, and which of our stricter rules the header breaks.
// Only for comparison; header-only, so that fuzz targets and unit tests share it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace genvid::test {

struct OracleTensor {
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct OracleResult {
  bool accepted = false;  // by the format
  std::string stricter;   // the rule of ours that refuses it all the same, or ""
  std::map<std::string, OracleTensor> tensors;
  std::map<std::string, std::string> metadata;
};

namespace oracle {

using Json = nlohmann::json;

inline const std::map<std::string, uint64_t>& dtypes() {
  static const std::map<std::string, uint64_t> bytes = {
      {"BOOL", 1}, {"U8", 1},   {"I8", 1},  {"I16", 2}, {"I32", 4},     {"I64", 8},
      {"F16", 2},  {"BF16", 2}, {"F32", 4}, {"F64", 8}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
  return bytes;
}

// False when it is not a tensor by the format.
inline bool read_tensor(const Json& json, OracleTensor& out, std::string& stricter) {
  if (!json.is_object()) return false;
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    if (!json.contains(key)) return false;
  }
  if (json.size() != 3) stricter = "unknown field";
  const Json& shape = json["shape"];
  const Json& offsets = json["data_offsets"];
  if (!json["dtype"].is_string() || !shape.is_array() || !offsets.is_array()) return false;
  out.dtype = json["dtype"].get<std::string>();
  const auto bytes_of = dtypes().find(out.dtype);
  if (bytes_of == dtypes().end() || offsets.size() != 2) return false;
  uint64_t bytes = 1;
  if (shape.size() > 8) stricter = "rank";
  for (const Json& dim : shape) {
    if (!dim.is_number_unsigned()) return false;
    const auto value = dim.get<uint64_t>();
    if (value > uint64_t{1} << 40) stricter = "dimension";
    if (__builtin_mul_overflow(bytes, value, &bytes)) return false;
    out.shape.push_back(static_cast<int64_t>(value));
  }
  if (__builtin_mul_overflow(bytes, bytes_of->second, &bytes)) return false;
  if (bytes == 0) stricter = "no elements";
  if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned()) return false;
  out.begin = offsets[0].get<uint64_t>();
  out.end = offsets[1].get<uint64_t>();
  return out.end >= out.begin && out.end - out.begin == bytes;
}

inline bool plain_name(const std::string& name) {
  const bool control = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  return !name.empty() && name.size() <= 512 && !control;
}

// Sorted by begin they must tile [0, data_bytes).
inline bool tiles(const std::map<std::string, OracleTensor>& tensors, uint64_t data_bytes) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& [name, tensor] : tensors) ranges.emplace_back(tensor.begin, tensor.end);
  std::sort(ranges.begin(), ranges.end());
  uint64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != at) return false;
    at = end;
  }
  return at == data_bytes;
}

}  // namespace oracle

inline OracleResult read_by_oracle(std::string_view text, uint64_t data_bytes) {
  using oracle::Json;
  OracleResult result;
  // nlohmann 3.11.2 ends at a NUL and skips a byte order mark; the format allows neither.
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || text[start] != '{' ||
      text.find('\0') != std::string_view::npos) {
    return result;
  }
  std::vector<std::set<std::string>> open;
  bool duplicate_name = false;
  bool duplicate_inside = false;
  bool deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > 16) deep = true;
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event == Json::parse_event_t::key && !open.empty() &&
        !open.back().insert(value.get_ref<const std::string&>()).second) {
      (open.size() == 1 ? duplicate_name : duplicate_inside) = true;
    }
    return !deep;
  };
  const Json json = Json::parse(text.begin(), text.end(), watch, false);
  if (json.is_discarded() || deep || duplicate_inside || !json.is_object()) return result;
  if (duplicate_name) result.stricter = "duplicate name";
  if (json.size() > 65'536) result.stricter = "too many";
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") {
      if (!value.is_object()) return result;
      for (const auto& [key, item] : value.items()) {
        if (!item.is_string()) return result;
        result.metadata[key] = item.get<std::string>();
      }
      continue;
    }
    if (!oracle::plain_name(name)) result.stricter = "name";
    if (!oracle::read_tensor(value, result.tensors[name], result.stricter)) return result;
  }
  result.accepted = oracle::tiles(result.tensors, data_bytes);
  return result;
}

}  // namespace genvid::test
