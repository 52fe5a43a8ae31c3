#include "pipeline/progress.h"

namespace genvid {

void StageClock::start(const std::string& stage, int64_t total) {
  stop();
  stage_ = stage;
  total_ = total;
  begin_ = std::chrono::steady_clock::now();
  host_.progress({stage_, 0, total_});
}

void StageClock::advance(int64_t done) { host_.progress({stage_, done, total_}); }

void StageClock::resumed(int64_t done) {
  resumed_ += done;
  if (done > 0) advance(done);
}

void StageClock::stop() {
  if (stage_.empty()) return;
  const auto spent = std::chrono::steady_clock::now() - begin_;
  times_.push_back({stage_, std::chrono::duration<double>(spent).count()});
  stage_.clear();
}

}  // namespace genvid
