// The output of a clip with everything that says what made it: the record, the XMP, the invisible
// mark and the signed statement, and its line in the local history. One place for single clips,
// batches and reruns.
#pragma once

#include "genvid/clip_spec.h"
#include "genvid/engine.h"
#include "genvid/request.h"
#include "jobs/history_index.h"
#include "jobs/job_key.h"
#include "jobs/plan.h"
#include "jobs/record.h"
#include "media/video_writer.h"

namespace genvid::cli {

class ClipRecorder {
 public:
  explicit ClipRecorder(const EngineInfo& engine);

  // Writes the history's line, before the clip costs anything, and gives its output. The plan's
  // pictures must be loaded: they are part of the clip's id.
  media::OutputOptions begin(const Request& request, const Plan& plan);

 private:
  ClipMakerInfo maker_;
  DigestCache digests_;
  HistoryIndex history_;
  bool warned_ = false;
};

// Of latents, whose prompt and settings nobody knows any more: the id is theirs.
media::OutputOptions decoded_options(const Request& request, const DecodeSpec& spec);

}  // namespace genvid::cli
