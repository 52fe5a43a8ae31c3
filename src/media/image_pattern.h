// "folder/name_%05d.png" taken apart. Only the file name may hold the number; "%%" is a percent
// sign.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace genvid::media {

struct ImagePattern {
  std::string folder;  // "." when the path has none
  std::string before, after;
  int digits = 0;  // zero-padded to this many; 0 = as it comes

  std::string name(int64_t number) const;

  // Names in the folder that the pattern could have made.
  std::vector<std::string> existing() const;
};

// Throws Error(kUsage).
ImagePattern parse_image_pattern(const std::string& path);

}  // namespace genvid::media
