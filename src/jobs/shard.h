// Which clips of a list this process makes, when several machines share one list without talking:
// each takes the ids whose hash falls to it, so the parts are disjoint and together the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace genvid {

struct Shard {
  uint32_t index = 0;  // from 0
  uint32_t count = 1;
  bool operator==(const Shard&) const = default;

  bool has(std::string_view id) const;
};

// "0/4" to "3/4". Throws Error(kUsage).
Shard parse_shard(const std::string& text);

// From a Slurm array (SLURM_ARRAY_TASK_ID, _MIN, _COUNT, of step 1) or a Kubernetes indexed job
// (JOB_COMPLETION_INDEX with JOB_COMPLETION_COUNT, which the job must set). get reads the
// environment. Throws Error(kUsage) when it is contradictory.
std::optional<Shard> shard_of_environment(const char* (*get)(const char*));

}  // namespace genvid
