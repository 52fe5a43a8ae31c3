// A file that appears under its final name complete or not at all.
#pragma once

#include <filesystem>

namespace genvid {

// Creates ".NAME.XXXXXX.part" beside the target with O_EXCL | O_NOFOLLOW. commit(): fsync, rename
// (without replacing unless overwrite), fsync of the folder. The destructor removes an uncommitted
// part file. Throws Error(kOutput) with errno's text and the path.
class AtomicFile {
 public:
  AtomicFile(const std::filesystem::path& target, bool overwrite);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& part_path() const { return part_; }
  int fd() const { return fd_; }
  void write_all(const void* data, size_t bytes);
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path part_;
  int fd_ = -1;
  bool overwrite_ = false;
  bool committed_ = false;
};

}  // namespace genvid
