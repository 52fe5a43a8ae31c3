#include "unit/media/fault_helper.h"

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "genvid/error.h"

namespace genvid::media {

int in_child(const std::function<void()>& work, std::string* message) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  pid_t pid = fork();
  if (pid == 0) {
    int code = 0;
    try {
      work();
    } catch (const Error& error) {
      code = 100 + error.exit_code();
      if (::write(ends[1], error.what(), std::strlen(error.what())) < 0) code = 99;
    }
    _exit(code);
  }
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  ssize_t n;
  while ((n = ::read(ends[0], buffer, sizeof buffer)) > 0)
    text.append(buffer, static_cast<size_t>(n));
  ::close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (message != nullptr) *message = text;
  return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

SmallDisk::SmallDisk(const std::string& path, const std::string& size) : path_(path) {
  std::filesystem::create_directory(path);
  if (mount("tmpfs", path.c_str(), "tmpfs", 0, ("size=" + size).c_str()) != 0) {
    why_ = std::strerror(errno);
  }
}

SmallDisk::~SmallDisk() {
  if (ok()) umount2(path_.c_str(), MNT_DETACH);
}

}  // namespace genvid::media
