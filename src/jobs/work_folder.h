// What a batch keeps of clips that are not done: OUTPUT_DIR/.NAME.work/KEY.*, their latents and
// sampling state, named after what decides their pixels, so that any process, shard or later run
// finds them. Removed when the clip is done, unless latents are to be kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "genvid/clip_spec.h"
#include "jobs/job_key.h"

namespace genvid {

class WorkFolder {
 public:
  // Lists what is there; makes nothing.
  explicit WorkFolder(std::filesystem::path dir);

  const std::filesystem::path& dir() const { return dir_; }
  uint64_t bytes() const { return bytes_; }  // of all files, when it was listed
  bool has_files(const JobKeys& keys) const;
  bool has_latents(const JobKeys& keys) const;

  // Where a clip's files go; makes the folder, and removes what a killed process had half written.
  // Without a folder nothing is kept, and a warning says so.
  KeepSpec keep(const JobKeys& keys);
  // latents: these too.
  void remove(const JobKeys& keys, bool latents);
  // The folder itself, when it is empty.
  void close();

 private:
  std::filesystem::path dir_;
  uint64_t bytes_ = 0;
  std::map<std::string, std::vector<std::filesystem::path>> files_;  // by clip, when listed
  bool made_ = false;
};

// Part files (core/atomic_file.h) of outputs that a killed process left. One listing a folder.
class StaleParts {
 public:
  // Removes those of this output that were there when its folder was first asked for. Only for who
  // alone makes that output.
  void remove(const std::filesystem::path& output);

 private:
  std::map<std::filesystem::path, std::multimap<std::string, std::filesystem::path>> folders_;
};

}  // namespace genvid
