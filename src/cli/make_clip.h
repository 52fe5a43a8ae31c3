// From a request to a finished file: what `genvid PROMPT` and `genvid rerun` share.
#pragma once

#include "cli/progress_view.h"
#include "core/json.h"
#include "genvid/request.h"

namespace genvid::cli {

struct MakeClipOptions {
  bool dry_run = false;
  ProgressMode mode = ProgressMode::kNone;
  Json original;  // of a rerun: the record that the new clip is held against
};

// Everything that can be refused without weights is, then the engine runs. Gives the exit code.
int make_clip(const Request& request, const MakeClipOptions& options);

}  // namespace genvid::cli
