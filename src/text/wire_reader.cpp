#include "text/wire_reader.h"

namespace genvid {

std::nullopt_t WireReader::fail(const char* error) {
  error_ = error;
  rest_ = {};
  return std::nullopt;
}

std::optional<uint64_t> WireReader::varint() {
  uint64_t value = 0;
  for (size_t i = 0; i < 10; ++i) {
    if (i == rest_.size()) return fail("a number is cut off");
    const auto byte = static_cast<uint8_t>(rest_[i]);
    if (i == 9 && byte > 1) return fail("a number is longer than 64 bits");
    value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      rest_.remove_prefix(i + 1);
      return value;
    }
  }
  return fail("a number is longer than 64 bits");
}

std::optional<uint64_t> WireReader::fixed(size_t bytes) {
  if (rest_.size() < bytes) return fail("a number is cut off");
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(rest_[i])) << (8 * i);
  }
  rest_.remove_prefix(bytes);
  return value;
}

std::optional<WireField> WireReader::next() {
  if (rest_.empty()) return std::nullopt;
  const auto key = varint();
  if (!key) return std::nullopt;
  if (*key > UINT32_MAX || (*key >> 3) == 0) return fail("a field number is out of range");
  WireField field;
  field.number = static_cast<uint32_t>(*key >> 3);
  field.type = static_cast<WireType>(*key & 7);
  std::optional<uint64_t> value;
  switch (field.type) {
    case WireType::kVarint:
      value = varint();
      break;
    case WireType::kFixed64:
      value = fixed(8);
      break;
    case WireType::kFixed32:
      value = fixed(4);
      break;
    case WireType::kBytes:
      value = varint();
      if (value && *value > rest_.size()) return fail("a field is longer than what holds it");
      break;
    default:
      return fail("a field has an unknown wire type");
  }
  if (!value) return std::nullopt;
  field.value = *value;
  if (field.type == WireType::kBytes) {
    field.bytes = rest_.substr(0, static_cast<size_t>(*value));
    rest_.remove_prefix(field.bytes.size());
  }
  return field;
}

}  // namespace genvid
