// Faults on demand, for the fault tests. GENVID_FAIL="name:action@n;name:action" makes the n-th hit
// (from 1; without @n every hit; @n+ from the n-th on) of a named point act:
//   exitN   leave at once with code N          kill    SIGKILL this process
//   sleepN  wait N seconds                     throwN  throw Error of kind N, e.g. throw4
//   any other word (oom, nan, enospc, ...) is returned to the code at the point, which acts it out
// Compiled in only with -DGENVID_FAILPOINTS=ON; otherwise failpoint() is a constant.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace genvid {

// What GENVID_FAIL asks for. Always compiled, so that it is always tested.
class FailPlan {
 public:
  // Throws Error(kUsage).
  explicit FailPlan(std::string_view text);

  // Counts a hit and gives the action due, or "". Thread-safe.
  std::string hit(std::string_view name);

 private:
  struct Entry {
    std::string name;
    std::string action;
    uint64_t first = 1;
    uint64_t last = UINT64_MAX;
    uint64_t hits = 0;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

#ifdef GENVID_FAILPOINTS
// Does exit, kill, sleep and throw itself; returns any other action that is due, else "".
std::string failpoint(std::string_view name);
#else
constexpr std::string_view failpoint(std::string_view) { return {}; }
#endif

}  // namespace genvid
