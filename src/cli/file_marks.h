// Reads every layer that says what made a file, for `info`, `verify` and `rerun`.
#pragma once

#include <string>

#include "jobs/marks.h"
#include "media/probe.h"

namespace genvid::cli {

struct ReadMarksOptions {
  bool watermark = false;  // decodes the video: takes a while
  std::string anchors;     // PEM of CAs to trust
};

// info: what probe() says of the same file. Throws Error(kUsage) when the file cannot be read.
FileMarks read_marks(const std::string& path, const media::FileInfo& info,
                     const ReadMarksOptions& options);

}  // namespace genvid::cli
