// Where the prompt comes from: an argument, a file or standard input.
#pragma once

#include <optional>
#include <string>

namespace genvid::cli {

struct PromptSource {
  std::optional<std::string> argument;  // the positional one; "-" is standard input
  std::optional<std::string> flag;      // --prompt, taken literally
  std::optional<std::string> file;      // --prompt-file

  // Nothing when none was given. Throws Error(kUsage) when more than one was, when the file cannot
  // be read or holds more than 64 KiB.
  std::optional<std::string> read() const;
};

}  // namespace genvid::cli
