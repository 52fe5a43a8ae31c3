// The lines that supervisor and workers exchange (supervisor.h), and reading them from pipes.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "jobs/batch_runner.h"

namespace genvid {

Json task_json(const ClipTask& task);
// Throws Error(kUsage).
ClipTask task_from_json(const Json& json);
Json outcome_json(const ClipOutcome& outcome);
// Throws Error(kUsage).
ClipOutcome outcome_from_json(const Json& json);

// False when the other end is gone.
bool write_line(int fd, const Json& json);

class LineReader {
 public:
  // Reads what is there (blocking when nothing is). False at the end of input. Lines are appended.
  bool read(int fd, std::vector<std::string>& lines);

 private:
  std::string buffer_;
};

}  // namespace genvid
