// The Protocol Buffers wire format, read strictly: no groups, no over-long numbers, nothing past
// the end of a message. It knows nothing of any schema and copies nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace genvid {

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  uint64_t value = 0;      // kVarint, kFixed64, kFixed32
  std::string_view bytes;  // kBytes
};

class WireReader {
 public:
  explicit WireReader(std::string_view message) : rest_(message) {}

  // Nothing at the end of the message, and after an error.
  std::optional<WireField> next();
  // What is wrong with the message, or nullptr.
  const char* error() const { return error_; }

 private:
  std::optional<uint64_t> varint();
  std::optional<uint64_t> fixed(size_t bytes);
  std::nullopt_t fail(const char* error);

  std::string_view rest_;
  const char* error_ = nullptr;
};

}  // namespace genvid
