// What a batch says on stderr: a line for each clip that ended, the bar of the one in hand, and a
// table at the end; JSON lines instead for programs. And the list that --dry-run prints.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "cli/progress_view.h"
#include "jobs/batch_runner.h"

namespace genvid::cli {

class BatchView : public Host, public BatchObserver {
 public:
  explicit BatchView(ProgressMode mode) : mode_(mode), bar_(mode) {}

  // Of the clip that started last.
  void progress(const ProgressEvent& event) override;
  // Of a worker.
  void progress_of(const BatchQueue& queue, size_t clip, const ProgressEvent& event);
  void started(const BatchQueue& queue, size_t clip) override;
  void ended(const BatchQueue& queue, size_t clip, const ClipOutcome& outcome, bool again) override;
  void clear() { bar_.clear(); }
  // done_before: clips that an earlier run made.
  void summary(const BatchQueue& queue, size_t done_before, double price_per_hour);

 private:
  double elapsed() const;
  double left() const;
  void count_open(const BatchQueue& queue);
  void show_batch(const BatchQueue& queue);
  void json_progress(const std::string& id, const ProgressEvent& event);

  ProgressMode mode_;
  ProgressView bar_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  struct Stage {
    std::string name;
    std::chrono::steady_clock::time_point start;
  };
  std::mutex mutex_;
  std::string current_;                 // id
  std::map<std::string, Stage> stage_;  // by id
  double estimate_done_ = 0;            // of the clips made in this run
  double estimate_open_ = -1;           // of those to make; -1 = not counted yet
  uint64_t bytes_ = 0;
  size_t made_ = 0;
};

std::string dry_run_text(const PreparedBatch& batch, bool keep_latents);

}  // namespace genvid::cli
