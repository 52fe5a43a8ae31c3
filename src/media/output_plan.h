// From OutputOptions to decisions: container, encoder, pixel format and settings. No file is
// touched here.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "media/av.h"
#include "media/video_writer.h"

namespace genvid::media {

// One row of the codec table: an encoder of FFmpeg and how genvid drives it.
struct EncoderChoice {
  std::string codec;    // what the user says: "h264"
  std::string encoder;  // FFmpeg's name: "libx264"
  std::string pix_fmt;
  int crf = -1;  // default; -1 = the encoder has no such setting
  int crf_max = 0;
  std::string crf_option;  // FFmpeg's name for it
  std::map<std::string, std::string> options;
  int min_side = 16;
  double bits_per_pixel = 1;  // rough and low, for the free space check
  bool by_name_only = false;  // hardware encoders: never chosen by themselves
};

struct OutputPlan {
  enum class Kind { kFile, kStdout, kImages };
  Kind kind = Kind::kFile;
  std::string path;
  std::string muxer;  // empty for images
  std::map<std::string, std::string> muxer_options;
  EncoderChoice encoder;  // options include the CRF
  AVPixelFormat pix_fmt = AV_PIX_FMT_NONE;
  uint32_t codec_tag = 0;
};

// Throws Error(kUsage or kUnavailable), naming what can be used instead.
OutputPlan plan_output(const OutputOptions& options);

// Throws Error(kUsage) when this encoder and pixel format cannot hold the size or rate.
void check_geometry(const OutputPlan& plan, Size size, Rational fps);

// Names for --codec that this FFmpeg can encode.
std::vector<std::string> usable_codecs();

bool is_rgb(AVPixelFormat format);

}  // namespace genvid::media
