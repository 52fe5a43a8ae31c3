// Looks clips up in a history that a batch asks a thousand times: the file is read once, then only
// what was added since.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "jobs/history.h"

namespace genvid {

class HistoryIndex {
 public:
  explicit HistoryIndex(std::filesystem::path file) : file_(std::move(file)) {}

  // The last whole entry of this clip, as History::find gives it for a full id; what other
  // processes appended meanwhile is seen.
  std::optional<HistoryEntry> find(const std::string& clip_id);

 private:
  void read_new_lines();

  std::filesystem::path file_;
  uint64_t read_ = 0;                                              // bytes, whole lines
  std::unordered_map<std::string, std::vector<uint64_t>> places_;  // clip id to line starts
};

}  // namespace genvid
