// What makes two clips the same: the pixel key (everything that changes the pixels) and the file
// key (everything that changes the file made of them). Both are SHA-256.
//
// Not in a key: names and places of files (but where latents are saved), the device and the number
// of threads unless a job names them, so that a batch goes on elsewhere without starting again.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "core/json.h"
#include "genvid/request.h"
#include "jobs/plan.h"

namespace genvid {

// Raise it when the same settings give other pixels than the release before.
inline constexpr int kSamplingVersion = 1;

struct JobKeys {
  std::string pixels;
  std::string file;
  bool operator==(const JobKeys&) const = default;
};

// Digests of files, remembered by path, size, mtime and inode in a file of the user's cache folder
// that several processes may share. An unusable cache only costs time.
class DigestCache {
 public:
  // Empty: nothing is kept. default_path() is $XDG_CACHE_HOME/genvid/digests or ~/.cache/...
  explicit DigestCache(std::filesystem::path cache_file);
  static std::filesystem::path default_path();

  std::string file(const std::filesystem::path& path);  // throws Error(kUsage)
  // Of all weights, configurations and tokenizers in a model folder, by name and content.
  std::string model(const std::filesystem::path& dir);
  // Files that were read rather than remembered.
  size_t misses() const { return misses_; }

 private:
  void remember(const std::string& line);

  std::filesystem::path cache_file_;
  std::map<std::string, std::string, std::less<>> known_;   // identity -> digest
  std::map<std::string, std::string, std::less<>> models_;  // folder -> digest, this run
  size_t misses_ = 0;
};

// The prompts of a clip's later parts, as keys and identities hold them.
Json prompt_changes_json(const ClipSpec& spec);

JobKeys make_job_keys(const Request& request, const Plan& plan, DigestCache& digests);

}  // namespace genvid
