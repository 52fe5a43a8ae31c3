#include "jobs/job_key.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "core/json.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "media/sha256.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Changes whenever the file is written or replaced.
std::string identity_of(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec) + " " + std::to_string(info.st_dev) + ":" +
         std::to_string(info.st_ino) + " " + absolute.string();
}

bool counts(const fs::path& path) {
  static const std::array<std::string, 4> kSuffixes = {".safetensors", ".json", ".model", ".txt"};
  return std::find(kSuffixes.begin(), kSuffixes.end(), path.extension().string()) !=
         kSuffixes.end();
}

// What was asked for matters where "auto" would differ from machine to machine.
Json asked(const Request& request) {
  return {{"device", request.device == "auto" ? "auto" : request.device.substr(0, 4)},
          {"dtype", request.dtype},
          {"vae_dtype", request.vae_dtype},
          {"threads", request.threads}};
}

Json rollout_key(const ClipSpec& s) {
  Json key = {s.rollout, s.window_latents, s.overlap_latents};
  if (s.first_latents > 0) {
    key.push_back(s.first_latents);
    key.push_back(s.drafts);
    key.push_back(s.first_steps);
    key.push_back(s.first_eta);
    key.push_back(s.first_redrawn);
  }
  if (s.closes) key.push_back("closes");
  if (s.rollout == "diffusion-forcing") {
    for (const Json& value : {Json(s.block_latents), Json(s.ar_step), Json(s.addnoise_condition)}) {
      key.push_back(value);
    }
  }
  return key;
}

}  // namespace

DigestCache::DigestCache(fs::path cache_file) : cache_file_(std::move(cache_file)) {
  if (cache_file_.empty()) return;
  std::ifstream in(cache_file_);
  std::string line;
  while (std::getline(in, line)) {  // "DIGEST IDENTITY"
    if (line.size() > 65 && line[64] == ' ') known_[line.substr(65)] = line.substr(0, 64);
  }
}

fs::path DigestCache::default_path() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') return fs::path(cache) / "genvid" / "digests";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return fs::path(home) / ".cache" / "genvid" / "digests";
  return {};
}

void DigestCache::remember(const std::string& line) {
  if (cache_file_.empty() || line.find('\n') != line.size() - 1) return;
  std::error_code error;
  fs::create_directories(cache_file_.parent_path(), error);
  const int fd = ::open(cache_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  // One write, so that lines of several processes do not mix. A lost line is only read again.
  if (::write(fd, line.data(), line.size()) < 0) log::debug("cannot write the cache of digests");
  ::close(fd);
}

std::string DigestCache::file(const fs::path& path) {
  const std::string identity = identity_of(path);
  const auto known = known_.find(identity);
  if (!identity.empty() && known != known_.end()) return known->second;
  ++misses_;
  const std::string digest = media::sha256_file(path.string());
  if (!identity.empty() && identity == identity_of(path)) {
    known_[identity] = digest;
    remember(digest + " " + identity + "\n");
  }
  return digest;
}

std::string DigestCache::model(const fs::path& dir) {
  if (const auto known = models_.find(dir.string()); known != models_.end()) return known->second;
  std::vector<std::string> lines;
  const auto options = fs::directory_options::follow_directory_symlink;
  for (fs::recursive_directory_iterator it(dir, options), end; it != end; ++it) {
    if (it.depth() > 4) it.disable_recursion_pending();
    std::error_code error;
    if (!it->is_regular_file(error) || !counts(it->path())) continue;
    lines.push_back(it->path().lexically_relative(dir).string() + " " + file(it->path()) + "\n");
  }
  std::sort(lines.begin(), lines.end());
  media::Sha256 hash;
  for (const std::string& line : lines) hash.update(line.data(), line.size());
  return models_[dir.string()] = hash.finish();
}

Json prompt_changes_json(const ClipSpec& spec) {
  Json out = Json::array();
  for (const PromptChange& change : spec.prompt_changes) {
    out.push_back({change.part, change.prompt});
    if (change.cut) out.back().push_back("cut");
  }
  return out;
}

JobKeys make_job_keys(const Request& request, const Plan& plan, DigestCache& digests) {
  const ClipSpec& s = plan.spec;
  const auto content = [&](const std::string& path) {
    return path.empty() ? std::string() : digests.file(path);
  };
  Json pixels = {{"sampling", kSamplingVersion},
                 {"model", digests.model(s.model_dir)},
                 {"prompt", s.prompt},
                 {"negative_prompt", s.negative_prompt},
                 {"size", to_text(s.size)},
                 {"model_size", to_text(s.model_size)},
                 {"frames", s.frames},
                 {"model_frames", s.model_frames},
                 {"steps", s.num_inference_steps},
                 {"guidance", {s.guidance_scale, s.guidance_scale_2}},
                 {"shift", s.shift},
                 {"scheduler", s.scheduler},
                 {"seed", s.seed},
                 {"noise", s.noise},
                 {"rollout", rollout_key(s)},
                 {"image", content(request.image)},
                 {"last_image", content(request.last_image)},
                 {"extend", content(request.extend)},
                 {"init_latents", content(request.init_latents)},
                 {"asked", asked(request)}};
  if (!s.prompt_changes.empty()) pixels["prompt_changes"] = prompt_changes_json(s);
  if (plan.candidates > 1) pixels["best_of"] = plan.candidates;
  JobKeys keys;
  keys.pixels = media::sha256(dumped(pixels));
  const Json file = {{"pixels", keys.pixels},
                     {"fps", to_text(s.fps)},
                     {"only_new", request.only_new},
                     {"suffix", fs::path(request.output).extension().string()},
                     {"codec", request.codec},
                     {"crf", request.crf ? *request.crf : -1},
                     {"bitrate", request.bitrate.value_or(-1)},
                     {"pix_fmt", request.pix_fmt},
                     {"preset", request.preset},
                     {"encoder_options", request.encoder_options},
                     {"output_size", request.output_size ? to_text(*request.output_size) : ""},
                     {"output_fps", request.output_fps ? to_text(*request.output_fps) : ""},
                     {"preview", request.preview},
                     {"watermark", request.watermark},
                     {"signed", {request.sign, request.cert}},
                     {"embed_prompt", request.embed_prompt},
                     {"people", {request.credits, request.likeness_consent}},
                     {"save_latents", request.save_latents}};
  keys.file = media::sha256(dumped(file));
  return keys;
}

}  // namespace genvid
