#include "e2e/digests_helper.h"

#include <sstream>

#include "e2e/run_helper.h"

namespace genvid::e2e {

std::vector<std::string> frame_digests(const std::string& path) {
  const Result r = run_program("ffmpeg", {"-v", "error", "-i", path, "-map", "0:v", "-pix_fmt",
                                          "rgb24", "-f", "framemd5", "-"});
  std::vector<std::string> out;
  std::istringstream lines(r.out);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != '#') out.push_back(line.substr(line.rfind(' ') + 1));
  }
  return out;
}

}  // namespace genvid::e2e
