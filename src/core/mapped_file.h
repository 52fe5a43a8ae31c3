// A file mapped read-only. While one is mapped, a file that shrinks (a download that restarts, a
// full disk) would raise SIGBUS on the next read; a handler turns that into one line on stderr and
// exit code 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace genvid {

class MappedFile {
 public:
  // A regular file; an empty one maps to an empty span. Throws Error(kModel).
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const { return size_; }
  std::span<const uint8_t> bytes() const { return {data_, static_cast<size_t>(size_)}; }

  // Hints for the kernel; errors do not matter.
  void will_need(uint64_t offset, uint64_t bytes) const;

 private:
  std::filesystem::path path_;
  const uint8_t* data_ = nullptr;
  uint64_t size_ = 0;
  int slot_ = -1;  // in the handler's table
};

}  // namespace genvid
