// Any bytes as a checkpoint's config.json: parsed, compared with nlohmann's parser, read by keys.
#include <vector>

#include "core/json.h"
#include "fuzz.h"

using namespace genvid;

namespace {

// What nlohmann 3.11.2 accepts and we do not. Everything else must agree.
bool refused_on_purpose(const std::string& error, std::string_view text) {
  const bool cut = text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF");
  return cut || error.find("duplicate key") != std::string::npos ||
         error.find("nested deeper") != std::string::npos ||
         error.find("outside the range") != std::string::npos;
}

void read_keys(const Json& json) {
  const JsonObject object(json, "config.json", ErrorKind::kModel);
  for (const char* key : {"dim", "heads", "name"}) {
    fuzz::error_of([&] {
      const int64_t value = object.integer(key, 3, -5, 1'000'000);
      FUZZ_CHECK(value >= -5 && value <= 1'000'000);
    });
    fuzz::error_of([&] {
      const double value = object.number(key, 0.5, -1.0, 1e6);
      FUZZ_CHECK(value >= -1.0 && value <= 1e6);
    });
    fuzz::error_of([&] { object.require_integer(key, INT64_MIN, INT64_MAX); });
    fuzz::error_of([&] { object.boolean(key, true); });
    fuzz::error_of([&] { object.string(key, "x"); });
    fuzz::error_of([&] { FUZZ_CHECK(object.integers(key, {}, 0, 9, 4).size() <= 4); });
    fuzz::error_of([&] { FUZZ_CHECK(object.numbers(key, {}, 4).size() <= 4); });
    fuzz::error_of([&] { FUZZ_CHECK(object.booleans(key, {}, 4).size() <= 4); });
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  Json json;
  const std::string error =
      fuzz::error_of([&] { json = parse_json(text, "config.json", ErrorKind::kModel); });
  if (!error.empty() && refused_on_purpose(error, text)) return 0;
  // A deep text cannot come here: it was refused with "nested deeper".
  const Json theirs = Json::parse(text.begin(), text.end(), nullptr, false);
  FUZZ_CHECK(theirs.is_discarded() == !error.empty());
  if (!error.empty()) return 0;
  FUZZ_CHECK(json == theirs);
  const std::string dumped = json.dump();
  FUZZ_CHECK(parse_json(dumped, "again", ErrorKind::kModel) == json);
  fuzz::error_of([&] { read_keys(json); });
  return 0;
}
