// The format: u64 little-endian N, N bytes of JSON, then the data of all tensors without a hole.
// The reference reader (0.8.0) accepts more. Refused here besides what it refuses:
//   1. a tensor name that occurs twice (it takes the last)
//   2. a field other than dtype, shape, data_offsets
//   3. more than 65,536 tensors (or metadata entries)
//   4. rank above 8
//   5. a dimension above 2^40
//   6. an empty name
//   7. a name longer than 512 bytes
//   8. a control character or NUL in a name
//   9. a tensor without elements: no supported network has one, and it may share an offset
// Leading white space and any order of the entries are accepted: real writers make both.
#include "core/safetensors.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>

#include "core/checked.h"
#include "core/input_file.h"
#include "core/json_reader.h"
#include "core/limits.h"
#include "core/log.h"

namespace genvid {
namespace {

struct DTypeRow {
  DType dtype;
  std::string_view name;
  size_t bytes;
};

constexpr DTypeRow kDTypes[] = {
    {DType::kBool, "BOOL", 1}, {DType::kU8, "U8", 1},          {DType::kI8, "I8", 1},
    {DType::kI16, "I16", 2},   {DType::kI32, "I32", 4},        {DType::kI64, "I64", 8},
    {DType::kF16, "F16", 2},   {DType::kBF16, "BF16", 2},      {DType::kF32, "F32", 4},
    {DType::kF64, "F64", 8},   {DType::kF8E4M3, "F8_E4M3", 1}, {DType::kF8E5M2, "F8_E5M2", 1},
};

const DTypeRow& row_of(DType dtype) {
  return *std::find_if(std::begin(kDTypes), std::end(kDTypes) - 1,
                       [&](const DTypeRow& row) { return row.dtype == dtype; });
}

uint64_t read_length(const uint8_t* bytes) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = (length << 8) | bytes[i];
  return length;
}

// The length that the first eight bytes state, checked against the file.
uint64_t checked_header_length(const uint8_t* first8, uint64_t file_bytes, std::string_view what) {
  const uint64_t length = read_length(first8);
  const std::string shown = log::printable(what);
  if (length > limits::kSafetensorsHeaderBytes) {
    throw Error(ErrorKind::kModel, shown + " is not a safetensors file: its header length is " +
                                       std::to_string(length) + ", at most " +
                                       std::to_string(limits::kSafetensorsHeaderBytes) +
                                       " is allowed");
  }
  if (length > file_bytes - 8) {
    throw Error(ErrorKind::kModel, shown + " is cut off: its header needs " +
                                       std::to_string(length + 8) + " bytes, the file has " +
                                       std::to_string(file_bytes) + "; download it again");
  }
  return length;
}

void require_eight(uint64_t bytes, std::string_view what) {
  if (bytes < 8) {
    throw Error(ErrorKind::kModel, log::printable(what) + " is not a safetensors file: it has " +
                                       std::to_string(bytes) + " bytes, at least 8 are needed");
  }
}

class HeaderParser {
 public:
  HeaderParser(std::string_view text, uint64_t data_start, uint64_t data_bytes,
               const std::string& what)
      : what_(what),
        context_(what + " (header)"),
        reader_(text, context_, ErrorKind::kModel),
        data_start_(data_start),
        data_bytes_(data_bytes) {}

  SafetensorsHeader parse() {
    bool have_metadata = false;
    std::string key;
    reader_.begin_object();
    while (reader_.next_key(key)) {
      if (key == "__metadata__") {
        if (have_metadata) reader_.fail("duplicate __metadata__");
        have_metadata = true;
        read_metadata();
      } else {
        check_name(key);
        read_tensor(key);
      }
    }
    reader_.finish();
    check_unique_names();
    check_coverage();
    return std::move(header_);
  }

 private:
  void read_metadata() {
    std::string key;
    reader_.begin_object();
    while (reader_.next_key(key)) {
      if (header_.metadata.size() >= limits::kTensors) {
        reader_.fail("more than " + std::to_string(limits::kTensors) + " metadata entries");
      }
      if (header_.metadata.contains(key)) {
        reader_.fail("duplicate metadata key '" + log::printable(key) + "'");
      }
      header_.metadata.emplace(key, reader_.read_string());
    }
  }

  void check_name(const std::string& name) {
    if (header_.tensors.size() >= limits::kTensors) {
      reader_.fail("more than " + std::to_string(limits::kTensors) + " tensors");
    }
    if (name.empty()) reader_.fail("a tensor has an empty name");
    if (name.size() > limits::kTensorNameBytes) {
      reader_.fail("a tensor name has " + std::to_string(name.size()) + " bytes, at most " +
                   std::to_string(limits::kTensorNameBytes) + " are allowed");
    }
    const bool control = std::any_of(name.begin(), name.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (control) reader_.fail("control character in tensor name '" + log::printable(name) + "'");
  }

  void read_tensor(const std::string& name) {
    const size_t position = reader_.last_position();
    TensorEntry entry;
    entry.name = name;
    std::optional<DType> dtype;
    std::optional<uint64_t> elements;
    std::optional<std::pair<uint64_t, uint64_t>> range;
    std::string field;
    reader_.begin_object();
    while (reader_.next_key(field)) {
      if (field == "dtype" && !dtype) {
        dtype = read_dtype();
      } else if (field == "shape" && !elements) {
        elements = read_shape(entry.shape);
      } else if (field == "data_offsets" && !range) {
        range = read_offsets();
      } else {
        const bool known = field == "dtype" || field == "shape" || field == "data_offsets";
        reader_.fail((known ? "duplicate field '" : "unknown field '") + log::printable(field) +
                     "' of tensor '" + log::printable(name) + "'");
      }
    }
    const auto refuse = [&](const std::string& why) {
      reader_.fail_at(position, "tensor '" + log::printable(name) + "' " + why);
    };
    if (!dtype || !elements || !range) refuse("lacks dtype, shape or data_offsets");
    entry.dtype = *dtype;
    const auto bytes = checked_mul(*elements, dtype_bytes(*dtype));
    const auto [begin, end] = *range;
    if (!bytes) refuse("is too large");
    if (*bytes == 0) refuse("has no elements");
    if (end < begin || end - begin != *bytes) {
      refuse("needs " + std::to_string(*bytes) + " bytes by its shape, its data_offsets are [" +
             std::to_string(begin) + ", " + std::to_string(end) + "]");
    }
    if (end > data_bytes_) {
      refuse("ends at byte " + std::to_string(end) + " of the data, the file holds " +
             std::to_string(data_bytes_) + "; it may be cut off: download it again");
    }
    entry.offset = data_start_ + begin;  // both at most the file's size
    entry.bytes = *bytes;
    header_.tensors.push_back(std::move(entry));
    positions_.push_back(static_cast<uint32_t>(position));
  }

  DType read_dtype() {
    const std::string name = reader_.read_string();
    for (const DTypeRow& row : kDTypes) {
      if (row.name == name) return row.dtype;
    }
    reader_.fail("unknown dtype '" + log::printable(name.substr(0, 40)) + "'");
  }

  uint64_t read_unsigned() {
    const JsonNumber number = reader_.read_number();
    if (number.kind != JsonNumber::Kind::kUnsigned) reader_.fail("expected an integer >= 0");
    return number.u;
  }

  // The number of elements.
  uint64_t read_shape(std::vector<int64_t>& shape) {
    uint64_t elements = 1;
    reader_.begin_array();
    while (reader_.next_item()) {
      if (shape.size() >= limits::kTensorRank) {
        reader_.fail("more than " + std::to_string(limits::kTensorRank) + " dimensions");
      }
      const uint64_t dim = read_unsigned();
      if (dim > static_cast<uint64_t>(limits::kTensorDim)) {
        reader_.fail("dimension " + std::to_string(dim) + " is above " +
                     std::to_string(limits::kTensorDim));
      }
      const auto product = checked_mul(elements, dim);
      if (!product) reader_.fail("the shape has more than 2^64 elements");
      elements = *product;
      shape.push_back(static_cast<int64_t>(dim));
    }
    return elements;
  }

  std::pair<uint64_t, uint64_t> read_offsets() {
    uint64_t value[2] = {0, 0};
    size_t count = 0;
    reader_.begin_array();
    while (reader_.next_item()) {
      if (count == 2) reader_.fail("data_offsets has more than two numbers");
      value[count++] = read_unsigned();
    }
    if (count != 2) reader_.fail("data_offsets needs two numbers");
    return {value[0], value[1]};
  }

  void check_unique_names() {
    std::vector<uint32_t> order(header_.tensors.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto& tensors = header_.tensors;
    std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
      const int compared = tensors[a].name.compare(tensors[b].name);
      return compared != 0 ? compared < 0 : a < b;
    });
    for (size_t i = 1; i < order.size(); ++i) {
      if (tensors[order[i]].name == tensors[order[i - 1]].name) {
        reader_.fail_at(positions_[order[i]],
                        "duplicate tensor '" + log::printable(tensors[order[i]].name) + "'");
      }
    }
  }

  // Sorts by offset; the tensors must cover the data exactly, without hole or overlap.
  void check_coverage() {
    auto& tensors = header_.tensors;
    std::sort(tensors.begin(), tensors.end(),
              [](const TensorEntry& a, const TensorEntry& b) { return a.offset < b.offset; });
    uint64_t expected = data_start_;
    for (const TensorEntry& tensor : tensors) {
      if (tensor.offset != expected) {
        throw Error(ErrorKind::kModel, what_ + ": tensor '" + log::printable(tensor.name) +
                                           "' begins at byte " + std::to_string(tensor.offset) +
                                           " of the file, expected " + std::to_string(expected) +
                                           " (a hole or an overlap)");
      }
      expected += tensor.bytes;
    }
    if (expected != data_start_ + data_bytes_) {
      throw Error(ErrorKind::kModel, what_ + " has " + std::to_string(data_start_ + data_bytes_) +
                                         " bytes, its header describes " +
                                         std::to_string(expected) +
                                         "; it is damaged: download it again");
    }
  }

  const std::string what_;
  const std::string context_;
  JsonReader reader_;
  uint64_t data_start_;
  uint64_t data_bytes_;
  SafetensorsHeader header_;
  std::vector<uint32_t> positions_;  // of the names, in file order
};

}  // namespace

size_t dtype_bytes(DType dtype) { return row_of(dtype).bytes; }
std::string_view dtype_name(DType dtype) { return row_of(dtype).name; }

SafetensorsHeader parse_safetensors_header(std::span<const uint8_t> head, uint64_t file_bytes,
                                           std::string_view what) {
  require_eight(std::min<uint64_t>(head.size(), file_bytes), what);
  const uint64_t length = checked_header_length(head.data(), file_bytes, what);
  if (length > head.size() - 8) {
    throw Error(ErrorKind::kModel, log::printable(what) + ": only " + std::to_string(head.size()) +
                                       " bytes of its header were read");
  }
  const std::string_view text(reinterpret_cast<const char*>(head.data()) + 8, length);
  return HeaderParser(text, 8 + length, file_bytes - 8 - length, log::printable(what)).parse();
}

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path) {
  const InputFile file(path, ErrorKind::kModel);
  require_eight(file.size(), path.string());
  std::vector<uint8_t> head(8);
  file.read_at(0, head.data(), 8);
  const uint64_t length = checked_header_length(head.data(), file.size(), path.string());
  head.resize(8 + length);
  file.read_at(8, head.data() + 8, length);
  return parse_safetensors_header(head, file.size(), path.string());
}

}  // namespace genvid
