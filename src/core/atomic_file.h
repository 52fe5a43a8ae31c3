// A file that appears under its final name complete or not at all.
#pragma once

#include <cstddef>
#include <filesystem>

namespace genvid {

// Creates ".NAME.XXXXXX.part" beside the target with O_EXCL | O_NOFOLLOW. commit(): fsync, rename
// (without replacing unless overwrite), fsync of the folder. The destructor removes an uncommitted
// part file. Throws Error(kOutput) with errno's text and the path.
//
// An existing target is refused at once unless overwrite; a folder, FIFO, socket or device is
// refused always; with overwrite a link is replaced, not followed. Renaming without replacing uses
// renameat2(RENAME_NOREPLACE); where the file system has no such call, link() and unlink(); where
// it has no hard links either, an empty placeholder made with O_EXCL is renamed over.
class AtomicFile {
 public:
  AtomicFile(const std::filesystem::path& target, bool overwrite);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& part_path() const { return part_; }
  int fd() const { return fd_; }
  void write_all(const void* data, size_t bytes);
  // Once. When it throws, nothing new is under the final name.
  void commit();
  // Another name in the same folder instead of the one given; checked as that was.
  void redirect(const std::filesystem::path& target);

 private:
  void rename_part();
  [[noreturn]] void fail(const char* action, int error) const;

  std::filesystem::path target_;
  std::filesystem::path part_;
  int fd_ = -1;
  bool overwrite_ = false;
  bool committed_ = false;
};

// A reader that goes away and a file size limit become errors of write() (EPIPE, EFBIG) instead of
// ending the program. For main().
void ignore_output_signals();

}  // namespace genvid
