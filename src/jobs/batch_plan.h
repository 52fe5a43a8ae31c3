// Everything about a batch that can be known before weights load: each clip planned and checked,
// its keys, its file, what an earlier run has left of it, and which clips are the same.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "jobs/batch_queue.h"
#include "jobs/job_expand.h"
#include "jobs/journal.h"
#include "jobs/shard.h"
#include "jobs/work_folder.h"

namespace genvid {

struct BatchOptions {
  ExpandOptions expand;
  std::vector<std::string> only;  // globs on ids; empty = all
  bool failed_only = false;       // whose last attempt failed
  uint64_t limit = 0;             // 0 = no limit on clips to make
  Shard shard;
  std::optional<OnExist> on_exist;  // over the file's
  bool keep_latents = false;        // of clips that are done, too
  int checkpoint_steps = 5;         // as KeepSpec
  double checkpoint_seconds = 60;
  // Folder of a model name; "" is the default model.
  std::function<std::filesystem::path(const std::string&)> locate_model;
  // Further checks of one clip; throws Error. request.overwrite says whether its file may be there.
  std::function<void(const Request&, const Plan&)> check;
};

struct PreparedBatch {
  std::vector<BatchClip> clips;
  // Ended before this run: state and reason for clips[i].
  struct Settled {
    size_t clip;
    BatchQueue::State state;
    std::string reason;
  };
  std::vector<Settled> settled;
  size_t disabled = 0;             // jobs
  uint64_t work_bytes = 0;         // in the work folder: kept by earlier runs
  std::vector<JobKeys> leftovers;  // done, with files there that nobody asked to keep
};

// Throws Error with one line for each clip that cannot be made; its kind is the first one's.
PreparedBatch prepare_batch(const JobFile& file, const BatchOptions& options,
                            const JournalView& journal, DigestCache& digests);

// The journal of a job file: OUTPUT_DIR/.NAME.journal.jsonl; one for each part of a shared list.
std::filesystem::path journal_path(const JobFile& file, const BatchOptions& options,
                                   const std::string& part);
// Where latents and sampling state are kept: OUTPUT_DIR/.NAME.work, one for all parts.
std::filesystem::path work_path(const JobFile& file, const BatchOptions& options);
// All parts' journals.
JournalView read_journals(const JobFile& file, const BatchOptions& options);

}  // namespace genvid
