// The files that a clip is made from, read into its plan, and its output behind the video that it
// goes on from. What single clips and batches share.
#pragma once

#include <memory>

#include "genvid/request.h"
#include "jobs/plan.h"
#include "media/video_writer.h"

namespace genvid::cli {

// Pictures and the end of --extend's video. What the user should know of it goes to plan.warnings.
// Throws Error(kUsage).
void load_inputs(const Request& request, Plan& plan);

// What load_inputs() put into one plan of a request, to another of the same.
void move_inputs(Plan& from, Plan& to);

std::unique_ptr<FrameSink> open_clip_output(const media::OutputOptions& options,
                                            const Request& request, const Plan& plan);

}  // namespace genvid::cli
