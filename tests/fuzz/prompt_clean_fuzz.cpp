// Any bytes: an Error, or valid UTF-8 without white space at its ends or twice in a row.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "genvid/error.h"
#include "text/prompt_clean.h"
#include "text/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const std::string cleaned = genvid::clean_prompt(bytes);
    if (genvid::invalid_utf8_at(bytes) || genvid::invalid_utf8_at(cleaned)) __builtin_trap();
    if (!cleaned.empty() && (cleaned.front() == ' ' || cleaned.back() == ' ')) __builtin_trap();
    if (cleaned.find("  ") != std::string::npos) __builtin_trap();
  } catch (const genvid::Error&) {
  }
  return 0;
}
