#include "media/target_check.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "media/image_pattern.h"
#include "media/quote.h"

namespace genvid::media {
namespace {

void check_folder(const std::string& folder) {
  struct stat info {};
  std::string shown = quote(folder);
  if (stat(folder.c_str(), &info) != 0) {
    if (errno == ENOENT) {
      throw Error(ErrorKind::kOutput,
                  "folder " + shown + " does not exist; create it first (mkdir -p)");
    }
    throw Error(ErrorKind::kOutput, "cannot use folder " + shown + ": " + std::strerror(errno));
  }
  if (!S_ISDIR(info.st_mode)) {
    throw Error(ErrorKind::kOutput, shown + " is not a folder; choose another place with -o");
  }
}

// Whether something is there, which is then a file or a link: a link is replaced, never written
// through; anything else is refused.
bool file_is_there(const std::string& path) {
  const std::string shown = quote(path);
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return false;
    throw Error(ErrorKind::kOutput, "cannot use " + shown + ": " + std::strerror(errno));
  }
  if (S_ISDIR(info.st_mode)) {
    throw Error(ErrorKind::kOutput, shown + " is a folder; give a file name in it");
  }
  if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) {
    throw Error(ErrorKind::kOutput,
                shown + " is a device, FIFO or socket; use -o - and redirect standard output");
  }
  return true;
}

void check_file(const std::string& path, bool overwrite) {
  check_folder(folder_of(path));
  if (file_is_there(path) && !overwrite) {
    throw Error(ErrorKind::kOutput,
                quote(path) + " exists already; choose another name or use --overwrite");
  }
}

void check_images(const OutputPlan& plan, bool overwrite) {
  ImagePattern pattern = parse_image_pattern(plan.path);
  struct stat info {};
  if (plan.makes_folder && lstat(pattern.folder.c_str(), &info) != 0 && errno == ENOENT) {
    return check_folder(folder_of(pattern.folder));
  }
  check_folder(pattern.folder);
  std::vector<std::string> old = pattern.existing();
  for (const std::string& name : old) file_is_there(pattern.folder + "/" + name);
  if (old.empty() || overwrite) return;
  throw Error(ErrorKind::kOutput,
              quote(pattern.folder + "/" + old.front()) +
                  (old.size() > 1 ? " and more of its sequence exist" : " exists") +
                  " already; choose another name or use --overwrite");
}

}  // namespace

std::string folder_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

void check_target(const OutputPlan& plan, bool overwrite) {
  switch (plan.kind) {
    case OutputPlan::Kind::kStdout:
      if (isatty(STDOUT_FILENO) != 0) {
        throw Error(ErrorKind::kUsage,
                    "standard output is a terminal; redirect it (> file, | player) or name a file");
      }
      return;
    case OutputPlan::Kind::kImages:
      check_images(plan, overwrite);
      return;
    case OutputPlan::Kind::kFile:
      check_file(plan.path, overwrite);
      return;
  }
}

void check_free_space(const OutputPlan& plan, uint64_t bytes) {
  if (plan.kind == OutputPlan::Kind::kStdout) return;
  std::string folder = folder_of(plan.path);
  struct statvfs disk {};
  if (statvfs(folder.c_str(), &disk) != 0) return;  // some file systems do not say
  uint64_t free_bytes = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (disk.f_blocks == 0 || free_bytes >= bytes) return;
  auto mb = [](uint64_t n) {
    return n < 10'000'000 ? std::to_string((n + 999) / 1'000) + " kB"
                          : std::to_string((n + 999'999) / 1'000'000) + " MB";
  };
  throw Error(ErrorKind::kOutput, "the disk of " + quote(folder) + " has " + mb(free_bytes) +
                                      " free and the output needs at least about " + mb(bytes) +
                                      "; free some space or choose another folder");
}

}  // namespace genvid::media
