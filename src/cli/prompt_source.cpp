#include "cli/prompt_source.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/input_file.h"
#include "core/limits.h"
#include "genvid/error.h"

namespace genvid::cli {
namespace {

std::string read_stdin() {
  std::string text;
  char buffer[4096];
  while (text.size() <= limits::kPromptBytes) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      throw Error(ErrorKind::kUsage, std::string("cannot read the prompt from standard input: ") +
                                         std::strerror(errno));
    }
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
  throw Error(ErrorKind::kUsage, "the prompt on standard input is longer than " +
                                     std::to_string(limits::kPromptBytes) + " bytes");
}

}  // namespace

std::optional<std::string> PromptSource::read() const {
  const int given = int{argument.has_value()} + int{flag.has_value()} + int{file.has_value()};
  if (given > 1) {
    throw Error(ErrorKind::kUsage,
                "give the prompt once: as an argument, --prompt or --prompt-file");
  }
  if (flag) return flag;
  if (argument && *argument != "-") return argument;
  if (argument || (file && *file == "-")) return read_stdin();
  if (file) return read_file(*file, limits::kPromptBytes, ErrorKind::kUsage);
  return std::nullopt;
}

}  // namespace genvid::cli
