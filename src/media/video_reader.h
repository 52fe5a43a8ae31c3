// Every frame of a video that somebody else made, in order, decoded in a child process with limits.
#pragma once

#include <functional>
#include <string>

#include "genvid/types.h"

namespace genvid::media {

struct ReadOptions {
  int max_width = 0;          // scaled down to this width, shape kept; 0 = as it is
  Size size;                  // or cropped to this shape and scaled to exactly this; 0x0 = as it is
  int64_t max_frames = 0;     // more is an error; 0 = limits::kMaxFrames
  double max_seconds = 3600;  // of work
};

// 8-bit RGB, upright, full range. Throws Error(kUsage) naming the file and the reason: no video, no
// frames, damaged, truncated, too large or too long. Frames already given stay given.
void for_each_frame(const std::string& path, const ReadOptions& options,
                    const std::function<void(Image&& frame)>& take);

}  // namespace genvid::media
