// What the tests of faults share: a process of its own for limits and signals, and a small disk.
#pragma once

#include <functional>
#include <string>

namespace genvid::media {

// Runs in a child process, so that limits, signals and descriptors stay there. 0 = the work ran
// through; 100 + exit code of the Error it threw, whose text goes to `message`; 1000 + signal.
int in_child(const std::function<void()>& work, std::string* message = nullptr);

// A tmpfs of that size at `path` while it lives, where the system lets us have one.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, const std::string& size);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool ok() const { return why_.empty(); }
  const std::string& why() const { return why_; }

 private:
  std::string path_, why_;
};

}  // namespace genvid::media
