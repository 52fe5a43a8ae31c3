#include "jobs/history_index.h"

#include <fstream>
#include <ranges>
#include <system_error>

namespace genvid {
namespace {

// The clip id that a line names, without parsing all of it: quotes inside texts are escaped, so
// this key is found nowhere else. Empty for other lines.
std::string named_clip(const std::string& line) {
  constexpr std::string_view kKey = "\"clip_id\":\"";
  const size_t at = line.find(kKey);
  if (at == std::string::npos) return {};
  const size_t begin = at + kKey.size();
  const size_t end = line.find('"', begin);
  return end == std::string::npos ? std::string() : line.substr(begin, end - begin);
}

}  // namespace

void HistoryIndex::read_new_lines() {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file_, error)) return;
  const uint64_t size = std::filesystem::file_size(file_, error);
  if (error || size == read_) return;
  if (size < read_) {  // another file now
    read_ = 0;
    places_.clear();
  }
  std::ifstream in(file_, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(read_));
  std::string line;
  // A last line without its end may still be growing.
  while (std::getline(in, line) && !in.eof()) {
    if (std::string id = named_clip(line); !id.empty()) places_[std::move(id)].push_back(read_);
    read_ += line.size() + 1;
  }
}

std::optional<HistoryEntry> HistoryIndex::find(const std::string& clip_id) {
  if (file_.empty()) return std::nullopt;
  read_new_lines();
  const auto found = places_.find(clip_id);
  if (found == places_.end()) return std::nullopt;
  std::ifstream in(file_, std::ios::binary);
  std::string line;
  for (const uint64_t place : std::views::reverse(found->second)) {
    in.clear();
    in.seekg(static_cast<std::streamoff>(place));
    if (!std::getline(in, line)) continue;
    auto entry = parse_history_line(line);
    if (entry && entry->clip_id == clip_id) return entry;  // damaged lines are passed over
  }
  return std::nullopt;
}

}  // namespace genvid
