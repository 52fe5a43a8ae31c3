// probe() without its child process: for files that genvid wrote itself a moment ago.
#pragma once

#include "media/media_input.h"
#include "media/probe.h"

namespace genvid::media {

FileInfo read_info(const InputFile& file);

}  // namespace genvid::media
