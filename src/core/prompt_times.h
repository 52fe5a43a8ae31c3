// Prompts that take over in the middle of a clip, as text: one a line, "5s a boat at sea"; where
// another scene begins with a hard cut, "cut 5s a forest".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace genvid {

struct TimedPrompt {
  double seconds = 0;  // from the clip's start
  std::string prompt;
  bool cut = false;
  bool operator==(const TimedPrompt&) const = default;
};

// In order of time. Lines that are blank are passed over. Throws Error(kUsage): a line without a
// time above 0, times that do not grow, an empty prompt, too many.
std::vector<TimedPrompt> parse_prompt_times(std::string_view text);

// The text that parse_prompt_times() reads as this, the same however it was first written.
std::string prompt_times_text(const std::vector<TimedPrompt>& times);

// The line for a time and a prompt as the command line gives them: "5", "5s", "0.5s".
std::string prompt_time_line(const std::string& time, const std::string& prompt, bool cut);

// Two such texts as one, in order of time.
std::string merge_prompt_times(const std::string& a, const std::string& b);

}  // namespace genvid
