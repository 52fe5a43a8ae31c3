// Any bytes as a preset: an error, or a request that survives being written and read again.
#include <cmath>

#include "core/limits.h"
#include "core/parse_values.h"
#include "core/request_json.h"
#include "fuzz.h"

using namespace genvid;

namespace {

void check_values(std::string_view text) {
  if (const auto rate = parse_rate(text)) {
    FUZZ_CHECK(rate->num > 0 && rate->den > 0);
    FUZZ_CHECK(parse_rate(to_text(*rate)) == rate);
  }
  if (const auto size = parse_size(text)) {
    FUZZ_CHECK(size->width > 0 && size->height > 0);
    FUZZ_CHECK(parse_size(to_text(*size)) == size);
  }
  if (const auto number = parse_number(text)) FUZZ_CHECK(std::isfinite(*number));
  if (const auto whole = parse_integer(text))
    FUZZ_CHECK(parse_number(text).has_value() && *whole == *whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  check_values(text);
  fuzz::error_of([&] {
    const Json json = parse_json(text, "preset.json", ErrorKind::kUsage);
    const Request request = request_from_json(json, "preset.json", ErrorKind::kUsage);
    FUZZ_CHECK(request.prompt.size() <= limits::kPromptBytes);
    FUZZ_CHECK(!request.seconds || (*request.seconds > 0 && *request.seconds <= 100'000));
    FUZZ_CHECK(!request.frames || (*request.frames >= 1 && *request.frames <= 100'000));
    FUZZ_CHECK(!(request.frames && request.seconds));
    FUZZ_CHECK(!request.fps || (request.fps->value() >= 1.0 && request.fps->value() <= 240.0));
    FUZZ_CHECK(request.threads >= 0 && request.threads <= 1024);
    const Json written = request_to_json(request);
    const Request again = request_from_json(written, "again", ErrorKind::kUsage);
    FUZZ_CHECK(request_to_json(again) == written);
  });
  return 0;
}
