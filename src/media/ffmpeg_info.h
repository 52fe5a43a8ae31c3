// Which FFmpeg this program runs with, under which licence, and what it can encode.
#pragma once

#include <string>
#include <vector>

namespace genvid::media {

struct FfmpegInfo {
  std::string version;  // "5.1.9-0+deb12u1"
  std::string libavcodec, libavformat, libswscale;
  std::string licence;                // of the build, e.g. "GPL version 2 or later"
  std::vector<std::string> encoders;  // those of genvid's codec table that are here
  std::vector<std::string> missing;   // and those that are not
};

FfmpegInfo ffmpeg_info();

// "FFmpeg 5.1.9 (libavcodec 59.37.100), licence: GPL version 2 or later"
std::string ffmpeg_summary();

}  // namespace genvid::media
