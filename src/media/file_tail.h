// Bytes that genvid adds to a finished file, for what the muxers of FFmpeg do not write.
#pragma once

#include <string>
#include <string_view>

#include "media/output_plan.h"

namespace genvid::media {

// XMP in an ISO file (mp4): a top-level box of type uuid, which may stand at the end.
std::string iso_xmp_box(std::string_view packet);

// A GIF's comment and XMP as extensions, with the end mark that follows them. Empty texts are left
// out.
std::string gif_tail(std::string_view comment, std::string_view packet);

// What belongs behind this file, and how many bytes of its end that replaces. Empty for most.
struct FileTail {
  std::string bytes;
  int replaces = 0;
};
FileTail file_tail(const OutputPlan& plan, const OutputOptions& options);

// The tags for the muxer: those given and, where the container takes it so, the XMP.
std::map<std::string, std::string> muxer_tags(const OutputPlan& plan, const OutputOptions& options);

}  // namespace genvid::media
