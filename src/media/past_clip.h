// A video that a new clip goes on from (--extend): its frames at the new clip's size and rate, and
// an output that writes them before the new ones.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "genvid/frame_sink.h"
#include "genvid/types.h"
#include "media/probe.h"

namespace genvid::media {

// Frames are cropped to the shape of size and scaled to it. At another rate frames are repeated or
// left out, each moment showing what the file shows then; no motion is made up. A file of uneven
// rate plays at its average.
struct PastFormat {
  Size size;
  Rational fps;
};

struct PastClip {
  FileInfo info;            // of the file
  int64_t frames = 0;       // at the new rate
  std::vector<Image> last;  // the latest ones, oldest first
};

// Reads all of it. keep: how many frames of `last` are wanted; fewer when the file has fewer.
// Throws Error(kUsage): no video, damaged, a single picture, no frame rate, too many frames.
PastClip read_past(const std::string& path, const PastFormat& format, int64_t keep);

// Frames of the file first, then what is written to it. frames: PastClip::frames; a file that has
// changed since is Error(kUsage).
std::unique_ptr<FrameSink> after_past(std::unique_ptr<FrameSink> output, const std::string& path,
                                      int64_t frames);

}  // namespace genvid::media
