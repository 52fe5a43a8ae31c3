// The clips of a batch and what became of them: which comes next, which wait for others, which are
// tried again and when. Knows no engine and no file; the runner and the supervisor drive it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "jobs/job_expand.h"
#include "jobs/job_key.h"

namespace genvid {

struct BatchClip {
  ExpandedClip clip;
  JobKeys keys;
  std::string path;
  std::string model;  // folder
  Size size;
  int64_t frames = 0;
  uint64_t peak_bytes = 0;
  uint64_t latent_bytes = 0;
  double seconds = 0;  // estimate
  int priority = 0;
  std::vector<size_t> after;      // jobs of which every clip of this run must be done first
  std::optional<size_t> copy_of;  // a clip with the same keys
  bool overwrite = false;         // what is at path is this batch's own, or may go
  std::string change;             // why a clip that was done before is to do again
};

// How one attempt ended.
struct ClipOutcome {
  enum class End { kDone, kFailed, kCrashed };
  End end = End::kFailed;
  int code = 0;  // of the error
  std::string error;
  uint64_t bytes = 0;
  int64_t mtime_ns = 0;
  std::string sha256;
  int64_t frames = 0;
  double seconds = 0;
  uint64_t peak_device_bytes = 0;
  std::string memory_rung;  // ClipResult's
  std::string note;
};

class BatchQueue {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State { kWaiting, kRunning, kDone, kFailed, kSkipped };

  // retries: further attempts after a failure that may pass; a crash is always tried once more.
  BatchQueue(std::vector<BatchClip> clips, int retries);

  const std::vector<BatchClip>& clips() const { return clips_; }
  State state(size_t clip) const { return states_[clip]; }
  const std::string& reason(size_t clip) const { return reasons_[clip]; }
  int attempts(size_t clip) const { return attempts_[clip]; }

  // Done before this run, or not to be made: as if it had ended so.
  void settle(size_t clip, State state, std::string reason);

  // The next clip to start now; it is running then. Nothing: all has ended, or see wait().
  std::optional<size_t> take(Clock::time_point now);
  // How long until take() may give something, while nothing runs: nullopt when never.
  std::optional<Clock::duration> wait(Clock::time_point now) const;
  // A running clip goes back, untried, to be looked at again after delay (another process has it).
  void put_back(size_t clip, Clock::time_point now, Clock::duration delay);
  // True when it will be tried again.
  bool finish(size_t clip, const ClipOutcome& outcome, Clock::time_point now);
  // Nothing new starts.
  void stop(const std::string& reason);

  // The next clips after this one, in the order of making, that wait and need the same model: every
  // stride-th, at most `most`.
  std::vector<size_t> upcoming(size_t clip, size_t most, size_t stride) const;

  size_t count(State state) const { return counts_[static_cast<size_t>(state)]; }

 private:
  void set(size_t clip, State state);
  void skip_dependents(size_t failed);
  bool ready(size_t clip) const;
  struct Job {
    size_t open = 0;  // clips that are not done
    std::vector<size_t> dependents;
  };

  std::vector<BatchClip> clips_;
  std::vector<State> states_;
  std::vector<std::string> reasons_;
  std::vector<int> attempts_;
  std::vector<Clock::time_point> not_before_;
  std::unordered_map<size_t, Job> jobs_;
  std::vector<size_t> order_;
  std::vector<size_t> place_;       // of a clip in order_
  size_t first_open_ = 0;           // in order_
  std::array<size_t, 5> counts_{};  // by state
  int retries_;
};

// By priority, then so that clips that need the same weights and sizes follow one another.
std::vector<size_t> batch_order(const std::vector<BatchClip>& clips);

// An error that another attempt may not meet again.
bool may_pass(int code);

// Names with '*' and '?', for --only.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace genvid
