// The codec table: FFmpeg's encoders that genvid drives, with its defaults, in order of preference.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "media/av.h"

namespace genvid::media {

// One row: an encoder of FFmpeg and how genvid drives it.
struct EncoderChoice {
  std::string codec{};    // what the user says: "h264"
  std::string encoder{};  // FFmpeg's name: "libx264"
  std::string pix_fmt{};
  int crf = -1;  // default; -1 = the encoder has no such setting
  int crf_max = 0;
  std::string crf_option{};  // FFmpeg's name for it
  std::map<std::string, std::string> options{};
  int min_side = 16;
  double bits_per_pixel = 1;    // rough and low, for the free space check
  bool by_name_only = false;    // hardware encoders: never chosen by themselves
  std::string preset_option{};  // what --preset sets; empty = nothing
  bool has_bitrate = false;
};

// asked: a codec ("h264", "hevc") or an encoder's own name ("h264_nvenc"). The first row that this
// FFmpeg has. Throws Error(kUsage or kUnavailable), naming what can be used instead.
EncoderChoice choose_encoder(const std::string& asked);

// Names for --codec that this FFmpeg can encode.
std::vector<std::string> usable_codecs();

// Throws Error(kUsage) when the encoder does not take the format; empty = the row's own.
AVPixelFormat choose_pix_fmt(const EncoderChoice& choice, const std::string& asked);

bool is_rgb(AVPixelFormat format);

// "a, b, c"; "ABC" as "abc".
std::string joined(const std::vector<std::string>& items);
std::string lower_case(std::string text);

}  // namespace genvid::media
