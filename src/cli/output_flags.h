// Flags of the output file, and what they mean for media.
#pragma once

#include <string>

#include "cli/flags.h"
#include "media/video_writer.h"

namespace genvid::cli {

void add_output_flags(RequestFlags& flags);  // --codec and on; -o has its own help per command
void add_signing_flags(RequestFlags& flags);
// --no-history and --embed-prompt, for what takes a prompt.
void add_prompt_keeping_flags(RequestFlags& flags);

// With --sign: the key and its certificates are read and tried, with the C2PA library. Throws
// Error(kUsage or kUnavailable).
media::OutputOptions output_options(const Request& request);

// A file that will be written beside the clip: its folder is there and it is not, unless it may be
// overwritten. Nothing to check when path is empty. Throws Error(kOutput).
void check_new_file(const std::string& path, bool overwrite, const std::string& flag);

}  // namespace genvid::cli
