// Flags of the output file, and what they mean for media.
#pragma once

#include <string>

#include "cli/flags.h"
#include "media/video_writer.h"

namespace genvid::cli {

void add_output_flags(RequestFlags& flags);  // --codec and on; -o has its own help per command
media::OutputOptions output_options(const Request& request);

// A file that will be written beside the clip: its folder is there and it is not, unless it may be
// overwritten. Nothing to check when path is empty. Throws Error(kOutput).
void check_new_file(const std::string& path, bool overwrite, const std::string& flag);

}  // namespace genvid::cli
