// Any text as --prompt-at: one line of error, or times that grow, prompts that are not blank, and a
// text of them that reads as the same.
#include "core/prompt_times.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using genvid::TimedPrompt;
  genvid::fuzz::error_of([&] {
    const auto times = genvid::parse_prompt_times(genvid::fuzz::text_of(data, size));
    FUZZ_CHECK(times.size() <= 100);
    double last = 0;
    for (const TimedPrompt& t : times) {
      FUZZ_CHECK(t.seconds > last && t.seconds <= 100'000);
      FUZZ_CHECK(t.prompt.find_first_not_of(" \t\r") == 0);
      FUZZ_CHECK(t.prompt.find('\n') == std::string::npos);
      last = t.seconds;
    }
    const std::string text = genvid::prompt_times_text(times);
    FUZZ_CHECK(genvid::prompt_times_text(genvid::parse_prompt_times(text)) == text);
  });
  return 0;
}
