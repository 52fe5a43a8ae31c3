#include "core/prompt_times.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>

#include "core/limits.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "genvid/error.h"

namespace genvid {
namespace {

constexpr std::string_view kBlank = " \t\r";
constexpr std::string_view kCut = "cut";
constexpr double kLeastSeconds = 0.001;
constexpr size_t kMost = 100;  // their embeddings are in memory together

[[noreturn]] void refuse(const std::string& message, bool cut = false) {
  throw Error(ErrorKind::kUsage, (cut ? "--cut-at " : "--prompt-at ") + message);
}

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string shown(std::string_view text) {
  return "\"" + log::printable(std::string(text.substr(0, 40))) + "\"";
}

double seconds_of(std::string_view time, bool cut) {
  std::string_view digits = time;
  if (digits.ends_with('s')) digits.remove_suffix(1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool plain = !digits.empty() && digit(digits.front()) && digit(digits.back()) &&
                     digits.find_first_not_of("0123456789.") == std::string_view::npos;
  const auto seconds = plain ? parse_number(std::string(digits)) : std::nullopt;
  if (!seconds || !(*seconds >= kLeastSeconds) ||
      *seconds > static_cast<double>(limits::kMaxFrames)) {
    refuse(shown(time) + " is no time in the clip; give seconds above 0, as in: " +
               (cut ? "--cut-at 5s \"a forest\"" : "--prompt-at 5s \"night falls\""),
           cut);
  }
  return *seconds;
}

// The first word of a line, which is taken off it.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, std::min(line.find_first_of(kBlank), line.size()));
  line = trimmed(line.substr(word.size()));
  return word;
}

TimedPrompt parse_line(std::string_view line) {
  TimedPrompt out;
  std::string_view rest = line, word = take_word(rest);
  out.cut = word == kCut;
  if (out.cut) word = take_word(rest);
  out.seconds = seconds_of(word, out.cut);
  out.prompt = rest;
  if (out.prompt.empty()) refuse(shown(line) + " has no prompt behind its time", out.cut);
  return out;
}

}  // namespace

std::vector<TimedPrompt> parse_prompt_times(std::string_view text) {
  std::vector<TimedPrompt> out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    TimedPrompt next = parse_line(line);
    if (!out.empty() && next.seconds <= out.back().seconds) {
      refuse("times must grow: " + shown(line) + " does not come after the one before it",
             next.cut);
    }
    if (out.size() == kMost) refuse("is given more than " + std::to_string(kMost) + " times");
    out.push_back(std::move(next));
  }
  return out;
}

std::string prompt_times_text(const std::vector<TimedPrompt>& times) {
  std::string out;
  for (const TimedPrompt& time : times) {
    char seconds[64];
    const auto end = std::to_chars(std::begin(seconds), std::end(seconds), time.seconds,
                                   std::chars_format::fixed);
    if (time.cut) out += std::string(kCut) + " ";
    out += std::string(seconds, end.ptr) + "s " + time.prompt + "\n";
  }
  return out;
}

std::string prompt_time_line(const std::string& time, const std::string& prompt, bool cut) {
  // A prompt is one line here; its blanks mean nothing to a text encoder.
  std::string one_line = prompt;
  std::replace(one_line.begin(), one_line.end(), '\n', ' ');
  const TimedPrompt out{seconds_of(time, cut), std::string(trimmed(one_line)), cut};
  if (out.prompt.empty()) refuse(shown(time) + " has no prompt behind its time", cut);
  return prompt_times_text({out});
}

std::string merge_prompt_times(const std::string& a, const std::string& b) {
  const auto first = parse_prompt_times(a), second = parse_prompt_times(b);
  std::vector<TimedPrompt> all;
  std::merge(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(all),
             [](const TimedPrompt& x, const TimedPrompt& y) { return x.seconds < y.seconds; });
  return prompt_times_text(all);
}

}  // namespace genvid
