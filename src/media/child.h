// Runs a function in a child process with limits and collects what it writes: for decoding files
// that somebody else made, and for trying encoders that may never return.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace genvid::media {

struct ChildLimits {
  double seconds = 30;                 // wall clock and CPU
  uint64_t memory_bytes = 3ull << 30;  // on top of what the process maps already; 0 = no limit
  uint64_t output_bytes = 1ull << 30;  // of one piece; more is an error
  bool may_open_files = false;
};

// Gives the child's bytes. The child throws genvid::Error to fail: it is thrown again here. A child
// that dies or exceeds its limits becomes Error(kUsage, "what: why").
// The child is a fork: work must not rely on other threads of the process.
std::vector<uint8_t> run_in_child(const std::string& what, const ChildLimits& limits,
                                  const std::function<std::vector<uint8_t>()>& work);

// Likewise, piece by piece: what the child emits reaches `take` while it works on. The child waits
// when nobody takes. `take` may throw; the child is stopped then.
using Emit = std::function<void(const std::vector<uint8_t>& piece)>;
using Take = std::function<void(std::vector<uint8_t>&& piece)>;
void stream_from_child(const std::string& what, const ChildLimits& limits,
                       const std::function<void(const Emit&)>& work, const Take& take);

}  // namespace genvid::media
