#include "core/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/log.h"

namespace genvid {
namespace {

std::string errno_text(int error) { return std::generic_category().message(error); }

const char* file_type(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

InputFile::InputFile(const std::filesystem::path& path, ErrorKind kind) : path_(path), kind_(kind) {
  const std::string shown = log::printable(path.string());
  if (path.native().find('\0') != std::string::npos) {
    throw Error(kind, "cannot open " + shown + ": its name contains a NUL byte");
  }
  // O_NONBLOCK: a FIFO without a writer must not stop the program before it is refused.
  do {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) throw Error(kind, "cannot open " + shown + ": " + errno_text(errno));
  struct stat info {};
  const bool known = ::fstat(fd_, &info) == 0;
  if (!known || !S_ISREG(info.st_mode)) {
    const int error = errno;
    ::close(fd_);
    throw Error(kind, "cannot read " + shown + ": " +
                          (known ? std::string("it is ") + file_type(info.st_mode) +
                                       ", expected a regular file"
                                 : errno_text(error)));
  }
  size_ = static_cast<uint64_t>(info.st_size);
}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

void InputFile::read_at(uint64_t offset, void* out, size_t bytes) const {
  auto* to = static_cast<char*>(out);
  size_t done = 0;
  while (done < bytes) {
    const size_t want = std::min<size_t>(bytes - done, size_t{1} << 30);
    const ssize_t got = ::pread(fd_, to + done, want, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error(kind_,
                  "cannot read " + log::printable(path_.string()) + ": " + errno_text(errno));
    }
    if (got == 0) {
      throw Error(kind_, log::printable(path_.string()) + " ended at byte " +
                             std::to_string(offset + done) + ", expected " +
                             std::to_string(offset + bytes) + "; it changed while it was read");
    }
    done += static_cast<size_t>(got);
  }
}

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes, ErrorKind kind) {
  const InputFile file(path, kind);
  if (file.size() > max_bytes) {
    throw Error(kind, log::printable(path.string()) + " has " + std::to_string(file.size()) +
                          " bytes, at most " + std::to_string(max_bytes) + " are read");
  }
  std::string text(file.size(), '\0');
  file.read_at(0, text.data(), text.size());
  return text;
}

}  // namespace genvid
