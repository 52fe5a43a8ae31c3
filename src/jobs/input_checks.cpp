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

void check_init_latents(const Plan& plan, const Traits& traits, bool extends) {
  const ClipSpec& spec = plan.spec;
  if (spec.init_latents.empty()) return;
  // Latents saved behind another video begin with what the decoder had seen of it.
  const int64_t context = latents_start(spec.init_latents).context;
  const auto shape = check_latents_file(spec.init_latents, traits.geometry.latent_channels);
  const int f = traits.geometry.spatial_factor;
  const std::vector<int64_t> expected = {1, traits.geometry.latent_channels,
                                         plan.latent_frames + (extends ? context : 0),
                                         spec.model_size.height / f, spec.model_size.width / f};
  if (shape == expected) return;
  const auto list = [](const std::vector<int64_t>& v) {
    std::string s;
    for (const int64_t d : v) s += (s.empty() ? "[" : ", ") + std::to_string(d);
    return s + "]";
  };
  usage(spec.init_latents + " holds " + list(shape) + ", but this clip starts from " +
        list(expected) + "; change --size, --frames or the file" +
        (context > 0 && !extends ? ", " + std::to_string(context) +
                                       " of whose latent frames are of the video that it extends"
                                 : ""));
}

}  // namespace genvid
