#include "cli/restart.h"

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace genvid::cli {

void restart_with_sleeping_threads() {
  if (getenv("OMP_WAIT_POLICY") != nullptr) return;
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::string line{std::istreambuf_iterator<char>(in), {}};
  if (!in || line.empty() || line.back() != '\0') return;
  std::vector<char*> argv;
  for (size_t at = 0; at < line.size(); at = line.find('\0', at) + 1) argv.push_back(&line[at]);
  argv.push_back(nullptr);
  if (setenv("OMP_WAIT_POLICY", "PASSIVE", 1) == 0) execv("/proc/self/exe", argv.data());
}

}  // namespace genvid::cli
