// Runs a prepared batch: journals every attempt before it starts and after it ends, tells an
// observer, and drives one maker in this process. The supervisor drives many through the same
// BatchRun.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "genvid/engine.h"
#include "jobs/batch_plan.h"
#include "jobs/claim.h"

namespace genvid {

struct ClipTask {
  Request request;
  KeepSpec keep;
  // Clips that probably come next here, whose prompts can be encoded together with this one's.
  std::function<std::vector<Request>()> ahead;
};

// Makes one clip and commits its file. Throws Error.
class ClipMaker {
 public:
  virtual ~ClipMaker() = default;
  virtual ClipOutcome make(const ClipTask& task) = 0;
};

// What make() returns, or how it failed; a signal's Error(kCancelled) passes.
ClipOutcome outcome_of(const std::function<ClipOutcome()>& make);

class BatchObserver {
 public:
  virtual ~BatchObserver() = default;
  virtual void started(const BatchQueue& queue, size_t clip) = 0;
  virtual void ended(const BatchQueue& queue, size_t clip, const ClipOutcome& outcome,
                     bool again) = 0;
};

// What the parts of a run hold in common. Pointers are not owned; claims may be null.
struct BatchContext {
  const JobFile* file = nullptr;
  const BatchOptions* options = nullptr;
  BatchQueue* queue = nullptr;
  Journal* journal = nullptr;
  ClaimFolder* claims = nullptr;
  BatchObserver* observer = nullptr;
  WorkFolder* work = nullptr;
  bool fail_fast = false;
  size_t workers = 1;  // that share the clips
};

class BatchRun {
 public:
  explicit BatchRun(const BatchContext& context);

  // The next clip that this process is to make, journalled as started. Copies are made on the way.
  std::optional<size_t> start();
  // What is to be made of a started clip.
  ClipTask task(size_t clip);
  void end(size_t clip, const ClipOutcome& outcome);

 private:
  // False: another process has it, or had.
  bool claim(size_t clip);
  bool copy(size_t clip);
  JournalEntry entry(size_t clip) const;
  Request request(size_t clip) const;
  void clean_up(size_t clip, bool done);

  BatchContext context_;
  std::vector<bool> overwrite_;
  std::unordered_map<std::string, size_t> open_;  // pixel key -> clips that may still need latents
  StaleParts stale_parts_;
};

// Clip after clip until all have ended or a signal comes, with Error(kCancelled) then.
void run_in_process(const BatchContext& context, ClipMaker& maker);

// bytes, mtime and digest of a finished file. Throws Error(kOutput).
void describe_file(const std::string& path, ClipOutcome& outcome);

}  // namespace genvid
