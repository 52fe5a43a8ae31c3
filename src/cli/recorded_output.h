// The output of a clip with everything that says what made it: the record, the XMP and the
// invisible mark. One place for single clips and batches.
#pragma once

#include "genvid/request.h"
#include "jobs/plan.h"
#include "media/video_writer.h"

namespace genvid::cli {

// The plan's pictures must be loaded: they are part of the clip's id.
media::OutputOptions recorded_options(const Request& request, const Plan& plan);

}  // namespace genvid::cli
