// A FrameSink that encodes with FFmpeg on its own thread and commits the file atomically.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "genvid/frame_sink.h"
#include "media/watermark.h"
#include "media/xmp.h"

namespace genvid::media {

class C2paSealer;

struct OutputOptions {
  std::string path;    // file, "-", "folder/" or a pattern with one %0Nd for an image sequence
  std::string format;  // for "-" only: y4m (default), mp4 (fragmented), mkv, webm or raw
  std::string codec;   // empty = by suffix
  std::optional<int> crf;
  std::optional<int64_t> bitrate;  // bits a second, instead of a constant quality
  std::string pix_fmt;
  std::string preset;                                  // the encoder's own word or number
  std::map<std::string, std::string> encoder_options;  // FFmpeg's names
  std::optional<Size> output_size;                     // scaled with Lanczos, whatever the shape
  std::optional<Rational> output_fps;  // frames repeated or left out; no motion is made up
  std::string preview;                 // PNG contact sheet beside the output; empty = none
  bool overwrite = false;
  std::shared_ptr<const C2paSealer> sealer;     // signs the finished file; null = unsigned
  bool keep_unsigned = false;                   // under another name when signing fails
  std::map<std::string, std::string> metadata;  // container tags
  std::optional<XmpFields> xmp;
  std::optional<Watermark> watermark;
};

// Checks suffix, codec, pixel format, size and that the output can be created, and tries the
// encoder on one grey frame under a time limit; before any weights load. With frames, also that the
// disk has room for about so much. Throws Error(kUsage, kOutput or kUnavailable).
void check_output(const OutputOptions& options, Size size, Rational fps, int64_t frames = 0);

std::unique_ptr<FrameSink> open_output(const OutputOptions& options);

}  // namespace genvid::media
