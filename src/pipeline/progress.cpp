#include "pipeline/progress.h"

#include <algorithm>

namespace genvid {

void StageClock::start(const std::string& stage, int64_t total, int64_t done) {
  stop();
  stage_ = stage;
  total_ = total;
  begin_ = std::chrono::steady_clock::now();
  host_.progress({stage_, done, total_});
}

void StageClock::advance(int64_t done) { host_.progress({stage_, done, total_}); }

void StageClock::resumed(int64_t done) {
  resumed_ += done;
  if (done > 0) advance(done);
}

void StageClock::stop() {
  if (stage_.empty()) return;
  const auto spent = std::chrono::steady_clock::now() - begin_;
  const double seconds = std::chrono::duration<double>(spent).count();
  const auto known = std::find_if(times_.begin(), times_.end(),
                                  [this](const StageTime& t) { return t.stage == stage_; });
  if (known != times_.end()) {
    known->seconds += seconds;
  } else {
    times_.push_back({stage_, seconds});
  }
  stage_.clear();
}

}  // namespace genvid
