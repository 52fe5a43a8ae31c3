#include "jobs/work_folder.h"

#include <system_error>

#include "core/kept_names.h"
#include "core/log.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

constexpr size_t kNameDigits = 32;  // of the key
constexpr size_t kPartSuffix = sizeof(".XXXXXX.part") - 1;
constexpr size_t kLongestName = 200;  // above it part files have shortened names

std::string name_of(const JobKeys& keys) { return keys.pixels.substr(0, kNameDigits); }

void remove_file(const fs::path& path) {
  std::error_code error;
  if (!fs::remove(path, error) && error) {
    log::debug("cannot remove " + log::printable(path.string()));
  }
}

// The final name that a part file was to have; empty for any other file.
std::string part_of(const std::string& name) {
  if (!name.starts_with('.') || !name.ends_with(".part")) return {};
  if (name.size() <= kPartSuffix + 1 || name[name.size() - kPartSuffix] != '.') return {};
  return name.substr(1, name.size() - kPartSuffix - 1);
}

template <class Visit>
void for_each_file(const fs::path& dir, Visit&& visit) {
  std::error_code error;
  for (fs::directory_iterator it(dir.empty() ? "." : dir, error), end; it != end;
       it.increment(error)) {
    visit(*it);
  }
}

}  // namespace

WorkFolder::WorkFolder(fs::path dir) : dir_(std::move(dir)) {
  for_each_file(dir_, [&](const fs::directory_entry& entry) {
    const std::string name = entry.path().filename().string();
    std::error_code error;
    if (const uint64_t size = entry.file_size(error); !error) bytes_ += size;
    const std::string part = part_of(name);
    files_[(part.empty() ? name : part).substr(0, kNameDigits)].push_back(entry.path());
  });
}

bool WorkFolder::has_files(const JobKeys& keys) const { return files_.contains(name_of(keys)); }

bool WorkFolder::has_latents(const JobKeys& keys) const {
  const auto it = files_.find(name_of(keys));
  if (it == files_.end()) return false;
  for (const fs::path& path : it->second) {
    const std::string name = path.filename().string();
    if (!name.starts_with('.') && name.ends_with(kKeptLatents)) return true;
  }
  return false;
}

KeepSpec WorkFolder::keep(const JobKeys& keys) {
  KeepSpec keep;
  std::error_code error;
  if (!made_) fs::create_directories(dir_, error);
  if (error) {
    log::warn("no latents are kept: cannot make " + log::printable(dir_.string()) + ": " +
              error.message());
    return keep;
  }
  made_ = true;
  const auto it = files_.find(name_of(keys));
  if (it != files_.end()) {
    for (const fs::path& path : it->second) {
      if (!part_of(path.filename().string()).empty()) remove_file(path);
    }
  }
  keep.prefix = (dir_ / name_of(keys)).string();
  keep.key = keys.pixels;
  return keep;
}

void WorkFolder::remove(const JobKeys& keys, bool latents) {
  const std::string name = name_of(keys);
  remove_file(dir_ / kept_sampling_path(name));
  if (!latents) return;
  // Clips of a chain are numbered without a gap.
  std::error_code error;
  for (int64_t part = 0;; ++part) {
    const fs::path path = dir_ / kept_latents_path(name, part);
    if (!fs::remove(path, error)) break;
  }
  const auto it = files_.find(name);
  if (it == files_.end()) return;
  for (const fs::path& path : it->second) remove_file(path);
  files_.erase(it);
}

void WorkFolder::close() {
  std::error_code error;
  fs::remove(dir_, error);  // fails while something is in it
}

void StaleParts::remove(const fs::path& output) {
  const fs::path folder = output.parent_path();
  auto [found, fresh] = folders_.try_emplace(folder);
  if (fresh) {
    for_each_file(folder, [&](const fs::directory_entry& entry) {
      const std::string target = part_of(entry.path().filename().string());
      if (!target.empty()) found->second.emplace(target, entry.path());
    });
  }
  const std::string name = output.filename().string();
  if (name.size() >= kLongestName) return;
  const auto [first, last] = found->second.equal_range(name);
  for (auto it = first; it != last; ++it) remove_file(it->second);
  found->second.erase(first, last);
}

}  // namespace genvid
