// What the check accepts must be safe in the library: load it there and tokenize a few strings.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "genvid/error.h"
#include "text/sentencepiece_tokenizer.h"

namespace {

constexpr std::string_view kTexts[] = {
    "",
    "a",
    "An old lighthouse glows at sunrise, slow dolly in, 35mm film.",
    "é e\xCC\x81 \xEF\xAC\x81 \xC2\xBD \xE2\x84\x83 \xEF\xBD\x86 \xE4\xBD\x8E\xE8\xB4\xA8 "
    "\xF0\x9F\xA4\x96",
    "<pad></s><extra_id_1> <0x41>\t\r\n  ",
    {"\0\x01\x7f\0a", 5},
    "\xff\xfe\xc3",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto model = genvid::parse_sentencepiece_model(bytes, "fuzz");
    const auto extra = genvid::extra_ids(static_cast<int32_t>(model.pieces.size()), 3);
    const auto tokenizer = genvid::make_sentencepiece(model, extra);
    for (const std::string_view text : kTexts) {
      const auto ids = tokenizer->encode(text, 64);
      if (ids.empty() || ids.size() > 64 || ids.back() != model.eos_id) __builtin_trap();
      for (const int32_t id : ids) {
        if (id < 0 || id >= tokenizer->vocabulary_size()) __builtin_trap();
      }
    }
    // Long runs of each early piece, where nested trie entries and scores add up.
    std::string run;
    for (size_t i = 0; i < model.pieces.size() && run.size() < 2000; ++i)
      run += model.pieces[i].text;
    tokenizer->encode(run, 100000);
  } catch (const genvid::Error&) {
  }
  return 0;
}
