#include "jobs/machine.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

namespace genvid {
namespace {

namespace fs = std::filesystem;

std::optional<uint64_t> read_number(const fs::path& path) {
  std::ifstream in(path);
  uint64_t value = 0;
  if (in >> value) return value;
  return std::nullopt;  // absent, or "max"
}

// The value behind "key" in a file of "key value" lines.
std::optional<uint64_t> read_field(const fs::path& path, const std::string& key) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string name;
    uint64_t value = 0;
    if (words >> name >> value && name == key) return value;
  }
  return std::nullopt;
}

// What one cgroup has left: its limit less what it uses and cannot give back.
std::optional<uint64_t> group_left(const fs::path& dir, const char* limit_file,
                                   const char* usage_file, const char* cache_key) {
  const auto limit = read_number(dir / limit_file);
  const auto usage = read_number(dir / usage_file);
  if (!limit || !usage) return std::nullopt;
  const uint64_t cache = read_field(dir / "memory.stat", cache_key).value_or(0);
  const uint64_t held = *usage > cache ? *usage - cache : 0;
  return *limit > held ? *limit - held : 0;
}

// The process's own group and every one around it.
uint64_t groups_left(const fs::path& base, const std::string& group, const char* limit_file,
                     const char* usage_file, const char* cache_key) {
  uint64_t least = std::numeric_limits<uint64_t>::max();
  fs::path relative = fs::path(group).relative_path();
  for (int depth = 0; depth < 64; ++depth) {
    if (const auto left = group_left(base / relative, limit_file, usage_file, cache_key)) {
      least = std::min(least, *left);
    }
    if (relative.empty()) break;
    relative = relative.parent_path();
  }
  return least;
}

std::string read_text(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool cpu_has(const char* flag) {
  static const std::string flags = read_text("/proc/cpuinfo").substr(0, 8192);
  return flags.find(flag) != std::string::npos;
}

}  // namespace

uint64_t available_memory(const fs::path& root) {
  uint64_t least = std::numeric_limits<uint64_t>::max();
  if (const auto kib = read_field(root / "proc/meminfo", "MemAvailable:")) least = *kib * 1024;
  std::ifstream in(root / "proc/self/cgroup");
  std::string line;
  while (std::getline(in, line)) {  // "0::/group" (v2) or "9:memory:/group" (v1)
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, groups_left(root / "sys/fs/cgroup", group, "memory.max",
                                          "memory.current", "inactive_file"));
    } else if (controllers == "memory") {
      least =
          std::min(least, groups_left(root / "sys/fs/cgroup/memory", group, "memory.limit_in_bytes",
                                      "memory.usage_in_bytes", "total_inactive_file"));
    }
  }
  return least;
}

int cpu_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1u, std::thread::hardware_concurrency());
}

bool has_gpu_driver() {
  std::error_code error;
  for (const char* path : {"/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/dxg"}) {
    if (fs::exists(path, error)) return true;
  }
  return false;
}

bool has_bf16_matrices() { return cpu_has("amx_bf16"); }

double core_flops(int dtype_bytes) {
  if (dtype_bytes == 2) return has_bf16_matrices() ? 6e11 : cpu_has("avx512_bf16") ? 2e11 : 4e10;
  return cpu_has("avx512f") ? 1.6e11 : cpu_has("avx2") ? 7e10 : 2e10;
}

}  // namespace genvid
