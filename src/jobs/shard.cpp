#include "jobs/shard.h"

#include "core/log.h"
#include "core/parse_values.h"
#include "genvid/error.h"
#include "jobs/job_file.h"

namespace genvid {
namespace {

constexpr uint64_t kMostShards = 100'000;

[[noreturn]] void usage(const std::string& message) { throw Error(ErrorKind::kUsage, message); }

uint64_t number(const char* name, const char* text) {
  const auto value = parse_unsigned(text);
  if (!value || *value > UINT32_MAX) {
    usage(std::string(name) + " is \"" + log::printable(std::string(text).substr(0, 40)) +
          "\", expected a number");
  }
  return *value;
}

Shard checked(uint64_t index, uint64_t count, const std::string& what) {
  if (count < 1 || count > kMostShards || index >= count) {
    usage(what + ": the part is " + std::to_string(index) + " of " + std::to_string(count) +
          ", expected 0 to one less than the count");
  }
  return {static_cast<uint32_t>(index), static_cast<uint32_t>(count)};
}

}  // namespace

bool Shard::has(std::string_view id) const {
  // FNV's low bits alone are uneven for short ids that differ in the last letter.
  uint64_t hash = plain_hash(id);
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdull;
  hash ^= hash >> 33;
  return hash % count == index;
}

Shard parse_shard(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) usage("--shard takes PART/PARTS, as in --shard 0/4");
  const auto index = parse_unsigned(std::string_view(text).substr(0, slash));
  const auto count = parse_unsigned(std::string_view(text).substr(slash + 1));
  if (!index || !count) usage("--shard takes PART/PARTS, as in --shard 0/4");
  return checked(*index, *count, "--shard");
}

std::optional<Shard> shard_of_environment(const char* (*get)(const char*)) {
  if (const char* task = get("SLURM_ARRAY_TASK_ID")) {
    const char* first = get("SLURM_ARRAY_TASK_MIN");
    const char* last = get("SLURM_ARRAY_TASK_MAX");
    const char* count = get("SLURM_ARRAY_TASK_COUNT");
    const uint64_t id = number("SLURM_ARRAY_TASK_ID", task);
    const uint64_t lo = first == nullptr ? 0 : number("SLURM_ARRAY_TASK_MIN", first);
    if (count == nullptr) usage("SLURM_ARRAY_TASK_ID is set without SLURM_ARRAY_TASK_COUNT");
    const uint64_t n = number("SLURM_ARRAY_TASK_COUNT", count);
    // A part of an array sent again (--array=3,7) must not be taken for a whole one.
    if (last != nullptr && number("SLURM_ARRAY_TASK_MAX", last) - lo + 1 != n) {
      usage("the Slurm array has gaps, so its tasks do not say which part is whose; pass --shard");
    }
    return checked(id - lo, n, "the Slurm array");
  }
  if (const char* index = get("JOB_COMPLETION_INDEX")) {
    const char* count = get("JOB_COMPLETION_COUNT");
    if (count == nullptr) {
      usage(
          "JOB_COMPLETION_INDEX is set without JOB_COMPLETION_COUNT; set it to the number of "
          "completions, or pass --shard");
    }
    return checked(number("JOB_COMPLETION_INDEX", index), number("JOB_COMPLETION_COUNT", count),
                   "the indexed job");
  }
  return std::nullopt;
}

}  // namespace genvid
