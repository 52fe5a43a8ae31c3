// From OutputOptions to decisions: container, encoder, pixel format and settings, and the size and
// rate of what is written. No file is touched here.
#pragma once

#include <map>
#include <string>

#include "genvid/frame_sink.h"
#include "media/encoder_table.h"
#include "media/video_writer.h"

namespace genvid::media {

struct OutputPlan {
  enum class Kind { kFile, kStdout, kImages };
  Kind kind = Kind::kFile;
  std::string path;           // a pattern for images
  bool makes_folder = false;  // images: into a folder that may not be there yet
  std::string muxer;          // empty for images
  std::map<std::string, std::string> muxer_options;
  EncoderChoice encoder;  // options include quality and what the user added
  bool quality_by_size =
      false;  // nobody asked for one, and the encoder's own is for large pictures
  AVPixelFormat pix_fmt = AV_PIX_FMT_NONE;
  uint32_t codec_tag = 0;
  bool is_gif() const { return encoder.codec == "gif"; }
};

// Throws Error(kUsage or kUnavailable), naming what can be used instead.
OutputPlan plan_output(const OutputOptions& options);

// What is written of a clip: --output-size and --output-fps applied, or for a GIF its own defaults
// (a long edge of at most 480, every n-th frame so that at most 16 a second are left). The length
// in seconds stays, to half a frame.
FrameSpec written_spec(const OutputPlan& plan, const OutputOptions& options, const FrameSpec& clip);

// Throws Error(kUsage) when this encoder and pixel format cannot hold the size or rate.
void check_geometry(const OutputPlan& plan, Size size, Rational fps);

}  // namespace genvid::media
