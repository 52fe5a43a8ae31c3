// What plans check of prompts and latents files; declared in plan.h.
#include "core/json_reader.h"
#include "core/latents_file.h"
#include "core/limits.h"
#include "genvid/error.h"
#include "jobs/plan.h"

namespace genvid {
namespace {

[[noreturn]] void usage(const std::string& message) { throw Error(ErrorKind::kUsage, message); }

}  // namespace

void check_prompt(const std::string& prompt, const std::string& what) {
  if (prompt.size() > limits::kPromptBytes) {
    usage(what + " has " + std::to_string(prompt.size()) + " bytes, at most " +
          std::to_string(limits::kPromptBytes) + " are allowed");
  }
  const std::string_view all = prompt;
  for (size_t at = 0; at < all.size();) {
    const size_t bytes = utf8_sequence(all.substr(at));
    if (bytes == 0) usage(what + " is not valid UTF-8 at byte " + std::to_string(at + 1));
    at += bytes;
  }
  if (prompt.find('\0') != std::string::npos) usage(what + " holds a zero byte");
}

std::vector<int64_t> check_latents_file(const std::string& path, int channels) {
  const std::vector<int64_t> shape = latents_entry(path).shape;
  if (shape[1] != channels) {
    usage(path + " has " + std::to_string(shape[1]) + " channels; this model's latents have " +
          std::to_string(channels));
  }
  return shape;
}

}  // namespace genvid
