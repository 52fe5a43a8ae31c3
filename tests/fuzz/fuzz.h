// What the fuzz targets share.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "genvid/error.h"

// A broken invariant ends the run as a crash does.
#define FUZZ_CHECK(condition)                                                        \
  do {                                                                               \
    if (!(condition)) {                                                              \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                  \
    }                                                                                \
  } while (false)

namespace genvid::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Runs call; the error's message when it throws, which must be one printable line of bearable
// length, else "". Any exception that is not genvid::Error is a finding.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const genvid::Error& error) {
    const std::string message = error.what();
    FUZZ_CHECK(!message.empty() && message.size() < 8192);
    for (const char c : message) FUZZ_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    return message;
  }
  return "";
}

}  // namespace genvid::fuzz
