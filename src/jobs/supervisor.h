// Several worker processes make the clips of one batch; this process loads no engine, journals and
// hands out work, so that uneven clips balance. A worker that dies or falls silent is replaced and
// its clip tried once more.
//
// Protocol, one JSON object a line. To a worker: {"request": {...}, "keep":
// {...}, "ahead": [...]}. From it: {"event": "ready"},
// {"event": "progress", "stage", "done", "total"}, {"event": "result", "outcome": {...}} or
// {"event": "fatal", "code", "message"} when it can make nothing.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "jobs/batch_runner.h"

namespace genvid {

struct SupervisorOptions {
  int workers = 1;
  std::vector<std::string> command;            // program and arguments of a worker
  int gpus = 0;                                // worker i sees GPU i % gpus alone
  std::chrono::milliseconds silence{600'000};  // a worker this long without a word is replaced
  std::function<void(size_t clip, const ProgressEvent&)> progress;  // may be empty
};

// Until all clips have ended, or Error(kCancelled) on a signal with the workers stopped.
void run_supervised(const BatchContext& context, const SupervisorOptions& options);

// The other end: reads requests from fd `in`, answers on fd `out`. Returns at the end of input.
// make_maker builds what makes the clips; its host reports progress.
void serve_worker(int in, int out,
                  const std::function<std::unique_ptr<ClipMaker>(Host& host)>& make_maker);

}  // namespace genvid
