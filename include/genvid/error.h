// The one exception type of genvid, and the exit code each kind ends in.
#pragma once

#include <stdexcept>
#include <string>

namespace genvid {

// The value is the process exit code (README, "Exit codes").
enum class ErrorKind {
  kUsage = 2,        // command line, job file, prompt
  kModel = 3,        // model folder, configuration, weights
  kOutput = 4,       // output path, disk
  kMemory = 5,       // does not fit, after every retry
  kNumerical = 6,    // non-finite latents or frames
  kUnavailable = 7,  // codec, device or library is not here
  kBusy = 9,         // another process holds it
  kDownload = 10,    // download or integrity
  kCancelled = 130,  // stopped by a signal; the front turns it into 130, 143 or 75
};

// message: what failed, with the values, and what to do next; one line, no trailing newline.
class __attribute__((visibility("default"))) Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ~Error() override;  // defined in core, so that one type_info serves every library

  ErrorKind kind() const { return kind_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

}  // namespace genvid
