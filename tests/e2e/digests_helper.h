// What a file shows, frame by frame.
#pragma once

#include <string>
#include <vector>

namespace genvid::e2e {

// The digest of every frame as RGB, by the ffmpeg program.
std::vector<std::string> frame_digests(const std::string& path);

}  // namespace genvid::e2e
