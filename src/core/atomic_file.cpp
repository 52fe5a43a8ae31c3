#include "core/atomic_file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include "core/failpoint.h"
#include "core/limits.h"
#include "core/log.h"
#include "genvid/error.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

std::string shown(const fs::path& path) { return log::printable(path.string()); }

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kOutput, message); }

// Acts out "enospc" and "eio" of a failpoint.
int injected_errno(std::string_view action) {
  if (action == "enospc") return ENOSPC;
  if (action == "eio") return EIO;
  return 0;
}

fs::path folder_of(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

void check_target(const fs::path& target, bool overwrite) {
  const std::string& name = target.native();
  if (name.find('\0') != std::string::npos || name.size() > limits::kPathBytes) {
    refuse("cannot write " + shown(name.substr(0, 200)) + ": " +
           (name.size() > limits::kPathBytes ? "the path is too long" : "it contains a NUL byte"));
  }
  if (!target.has_filename() || target.filename() == "." || target.filename() == "..") {
    refuse("cannot write \"" + shown(target) + "\": it names no file");
  }
  struct stat info {};
  if (::lstat(target.c_str(), &info) != 0) {
    if (errno == ENOENT) return;  // a missing folder is found when the part file is made
    refuse("cannot write " + shown(target) + ": " + std::generic_category().message(errno));
  }
  if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) {
    refuse("cannot write " + shown(target) + ": it is " +
           (S_ISDIR(info.st_mode) ? "a folder" : "not a regular file"));
  }
  if (!overwrite) {
    refuse(shown(target) + " exists already; choose another name or pass --overwrite");
  }
}

// ".NAME.XXXXXX.part"; NAME is cut so that the whole fits in 255 bytes.
fs::path part_name(const fs::path& target) {
  constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz012345";
  unsigned char random[6] = {};
  if (::getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) {
    random[0] = static_cast<unsigned char>(::getpid());
  }
  std::string suffix = ".";
  for (const unsigned char byte : random) suffix += kLetters[byte % 32];
  return folder_of(target) / ("." + target.filename().string().substr(0, 200) + suffix + ".part");
}

// 0 or errno.
int sync_fd(int fd) {
  if (const int error = injected_errno(failpoint("output.fsync"))) return error;
  while (::fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int sync_folder(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno == EACCES ? 0 : errno;  // writable but not readable: cannot be synced
  const int error = sync_fd(fd);
  ::close(fd);
  return error == EINVAL || error == ENOTSUP ? 0 : error;  // file systems without folder sync
}

// Where neither renameat2's flag nor link() exists (FAT, some network mounts). 0 or errno.
int rename_over_placeholder(const fs::path& from, const fs::path& to) {
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return errno;
  ::close(fd);
  if (::rename(from.c_str(), to.c_str()) == 0) return 0;
  const int error = errno;
  ::unlink(to.c_str());
  return error;
}

// 0 or errno; never replaces.
int rename_new(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) return errno;
  if (::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return 0;
  }
  if (errno != EPERM && errno != ENOSYS && errno != ENOTSUP && errno != EMLINK) return errno;
  return rename_over_placeholder(from, to);
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& target, bool overwrite)
    : target_(target), overwrite_(overwrite) {
  check_target(target, overwrite);
  for (int attempt = 0; attempt < 100 && fd_ < 0; ++attempt) {
    part_ = part_name(target);
    fd_ = ::open(part_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd_ < 0 && errno != EEXIST && errno != EINTR) break;
  }
  if (fd_ < 0) fail("create", errno);
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!committed_) ::unlink(part_.c_str());
}

void AtomicFile::fail(const char* action, int error) const {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) hint = "; free some space or choose another folder";
  if (error == ENOENT) hint = "; the folder " + shown(folder_of(target_)) + " must exist";
  if (error == EEXIST) hint = "; choose another name or pass --overwrite";
  refuse(std::string("cannot ") + action + " " + shown(target_) + ": " +
         std::generic_category().message(error) + hint);
}

void AtomicFile::write_all(const void* data, size_t bytes) {
  const auto* from = static_cast<const char*>(data);
  while (bytes > 0) {
    if (const int error = injected_errno(failpoint("output.write"))) fail("write", error);
    const ssize_t written = ::write(fd_, from, std::min<size_t>(bytes, size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write", written < 0 ? errno : EIO);
    from += written;
    bytes -= static_cast<size_t>(written);
  }
}

void AtomicFile::commit() {
  if (const int error = sync_fd(fd_)) fail("write", error);
  // Errors of a delayed write may surface only here. After EINTR Linux has closed the file.
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0 && errno != EINTR) fail("write", errno);
  rename_part();
  committed_ = true;
  if (const int error = sync_folder(folder_of(target_))) {
    // Nobody else's file can be lost: without overwrite the name was free a moment ago.
    if (!overwrite_) ::unlink(target_.c_str());
    fail("finish", error);
  }
}

void AtomicFile::redirect(const fs::path& target) {
  check_target(target, overwrite_);
  target_ = target;
}

void AtomicFile::rename_part() {
  int error = injected_errno(failpoint("output.rename"));
  if (error == 0) {
    if (overwrite_) {
      error = ::rename(part_.c_str(), target_.c_str()) == 0 ? 0 : errno;
    } else {
      error = rename_new(part_, target_);
    }
  }
  if (error != 0) fail("name the finished file", error);
}

void ignore_output_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace genvid
