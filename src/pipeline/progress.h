// Stage times and progress events of one run.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "genvid/engine.h"

namespace genvid {

class StageClock {
 public:
  explicit StageClock(Host& host) : host_(host) {}

  // Ends the running stage and starts another, of `total` parts, of which `done` are made.
  void start(const std::string& stage, int64_t total, int64_t done = 0);
  void advance(int64_t done);  // parts done so far
  // Denoising steps that an earlier process did; they add up in resumed_steps().
  void resumed(int64_t done);
  int64_t resumed_steps() const { return resumed_; }
  void stop();
  // One entry per stage; a stage that was entered again adds up.
  const std::vector<StageTime>& times() const { return times_; }

 private:
  Host& host_;
  std::string stage_;
  int64_t total_ = 0;
  int64_t resumed_ = 0;
  std::chrono::steady_clock::time_point begin_;
  std::vector<StageTime> times_;
};

}  // namespace genvid
