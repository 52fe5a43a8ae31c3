// What a media file says of itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "genvid/types.h"

namespace genvid::media {

struct FileInfo {
  std::string format;
  std::string codec;
  std::string profile;
  std::string pix_fmt;
  int width = 0;
  int height = 0;
  Rational fps;
  int64_t frames = 0;  // counted by reading every packet
  double seconds = 0;
  bool audio = false;  // has sound, too
  std::string color_primaries, color_transfer, color_space, color_range;
  std::map<std::string, std::string> tags;  // container tags
};

// Throws Error(kUsage) when FFmpeg cannot read it.
FileInfo probe(const std::string& path);

}  // namespace genvid::media
