// Runs a prepared batch: journals every attempt before it starts and after it ends, tells an
// observer, and drives one maker in this process. The supervisor drives many through the same
// BatchRun.
#pragma once

#include <string>

#include "genvid/engine.h"
#include "jobs/batch_plan.h"
#include "jobs/claim.h"

namespace genvid {

// Makes one clip and commits its file. Throws Error.
class ClipMaker {
 public:
  virtual ~ClipMaker() = default;
  virtual ClipOutcome make(const Request& request) = 0;
};

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
  bool fail_fast = false;
};

class BatchRun {
 public:
  explicit BatchRun(const BatchContext& context) : context_(context) {}

  // The next clip that this process is to make, journalled as started. Copies are made on the way.
  std::optional<size_t> start();
  // The request for a started clip.
  Request request(size_t clip) const;
  void end(size_t clip, const ClipOutcome& outcome);

 private:
  // False: another process has it, or had.
  bool claim(size_t clip);
  bool copy(size_t clip);
  JournalEntry entry(size_t clip) const;

  BatchContext context_;
  std::vector<bool> overwrite_;
};

// Clip after clip until all have ended or a signal comes, with Error(kCancelled) then.
void run_in_process(const BatchContext& context, ClipMaker& maker);

// bytes, mtime and digest of a finished file. Throws Error(kOutput).
void describe_file(const std::string& path, ClipOutcome& outcome);

}  // namespace genvid
