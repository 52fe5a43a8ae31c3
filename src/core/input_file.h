// Files that somebody else wrote, opened with care: regular files only (a FIFO, a folder or a
// device is refused without blocking), sizes checked before anything is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "genvid/error.h"

namespace genvid {

class InputFile {
 public:
  // Follows links. Throws Error(kind) with errno's text.
  InputFile(const std::filesystem::path& path, ErrorKind kind);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  int fd() const { return fd_; }
  uint64_t size() const { return size_; }
  // Exactly this many bytes; an early end is an error.
  void read_at(uint64_t offset, void* out, size_t bytes) const;

 private:
  std::filesystem::path path_;
  ErrorKind kind_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

// The whole file, refused above max_bytes.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes, ErrorKind kind);

}  // namespace genvid
