#include "media/encoder_table.h"

#include <algorithm>
#include <cctype>

#include "media/quote.h"

namespace genvid::media {
namespace {

using Map = std::map<std::string, std::string>;

// x264's AVX-512 macroblock tree reads memory that nothing wrote when the width is no multiple of
// 128 (seen in 0.164: the file then depends on what the heap held before), so those instructions
// are left out where the processor has them. The AVX2 ones give what AVX-512 gives on zeroed
// memory.
Map x264_options() {
  Map options = {{"preset", "medium"}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) options["x264-params"] = "asm=avx2,bmi2,fma3,lzcnt";
#endif
  return options;
}

// NVENC's rate control that stands for a constant quality.
Map nvenc_options() { return {{"rc", "vbr"}, {"b", "0"}, {"preset", "p5"}}; }

// Pools and frame threads would follow the machine's cores, and the bytes with them.
constexpr const char* kX265 = "log-level=error:info=0:pools=4:frame-threads=2";

// Encoders in order of preference, by name: by codec id FFmpeg offers slow libaom first. Quality is
// always set: libsvtav1's own default is "unset".
const std::vector<EncoderChoice>& encoder_table() {
  static const std::vector<EncoderChoice> table = {
      {.codec = "h264",
       .encoder = "libx264",
       .pix_fmt = "yuv420p",
       .crf = 18,
       .crf_max = 51,
       .crf_option = "crf",
       .options = x264_options(),
       .bits_per_pixel = 0.02,
       .preset_option = "preset",
       .has_bitrate = true},
      {.codec = "h264",
       .encoder = "libopenh264",
       .pix_fmt = "yuv420p",
       .options = {{"b", "8000000"}},
       .bits_per_pixel = 0.02,
       .has_bitrate = true},
      {.codec = "h264",
       .encoder = "h264_nvenc",
       .pix_fmt = "yuv420p",
       .crf = 19,
       .crf_max = 51,
       .crf_option = "cq",
       .options = nvenc_options(),
       .min_side = 160,
       .bits_per_pixel = 0.02,
       .by_name_only = true,
       .preset_option = "preset",
       .has_bitrate = true},
      {.codec = "h265",
       .encoder = "libx265",
       .pix_fmt = "yuv420p10le",
       .crf = 20,
       .crf_max = 51,
       .crf_option = "crf",
       .options = {{"preset", "medium"}, {"x265-params", kX265}},
       .bits_per_pixel = 0.02,
       .preset_option = "preset",
       .has_bitrate = true},
      {.codec = "h265",
       .encoder = "hevc_nvenc",
       .pix_fmt = "p010le",
       .crf = 21,
       .crf_max = 51,
       .crf_option = "cq",
       .options = nvenc_options(),
       .min_side = 160,
       .bits_per_pixel = 0.02,
       .by_name_only = true,
       .preset_option = "preset",
       .has_bitrate = true},
      {.codec = "av1",
       .encoder = "libsvtav1",
       .pix_fmt = "yuv420p10le",
       .crf = 28,
       .crf_max = 63,
       .crf_option = "crf",
       .options = {{"preset", "8"}, {"svtav1-params", "lp=4"}},
       .min_side = 64,
       .bits_per_pixel = 0.01,
       .preset_option = "preset",
       .has_bitrate = true},
      {.codec = "av1",
       .encoder = "librav1e",
       .pix_fmt = "yuv420p10le",
       .crf = 100,
       .crf_max = 255,
       .crf_option = "qp",
       .options = {{"speed", "8"}, {"tiles", "4"}},
       .bits_per_pixel = 0.01,
       .preset_option = "speed",
       .has_bitrate = true},
      {.codec = "av1",
       .encoder = "libaom-av1",
       .pix_fmt = "yuv420p10le",
       .crf = 28,
       .crf_max = 63,
       .crf_option = "crf",
       .options = {{"b", "0"}, {"cpu-used", "6"}},
       .bits_per_pixel = 0.01,
       .preset_option = "cpu-used",
       .has_bitrate = true},
      {.codec = "av1",
       .encoder = "av1_nvenc",
       .pix_fmt = "p010le",
       .crf = 28,
       .crf_max = 63,
       .crf_option = "cq",
       .options = nvenc_options(),
       .min_side = 160,
       .bits_per_pixel = 0.01,
       .by_name_only = true,
       .preset_option = "preset",
       .has_bitrate = true},
      // 28 is usual, but flat colours are 3 levels off with it.
      {.codec = "vp9",
       .encoder = "libvpx-vp9",
       .pix_fmt = "yuv420p",
       .crf = 20,
       .crf_max = 63,
       .crf_option = "crf",
       .options = {{"b", "0"}, {"deadline", "good"}, {"cpu-used", "4"}, {"row-mt", "1"}},
       .bits_per_pixel = 0.01,
       .preset_option = "cpu-used",
       .has_bitrate = true},
      {.codec = "prores",
       .encoder = "prores_ks",
       .pix_fmt = "yuv422p10le",
       .options = {{"profile", "hq"}, {"vendor", "apl0"}},
       .bits_per_pixel = 1.5,
       .preset_option = "profile"},
      {.codec = "ffv1",
       .encoder = "ffv1",
       .pix_fmt = "bgr0",
       .options = {{"level", "3"}, {"slices", "4"}},
       .bits_per_pixel = 0.5},
      {.codec = "gif", .encoder = "gif", .pix_fmt = "pal8", .bits_per_pixel = 0.05},
      {.codec = "png",
       .encoder = "png",
       .pix_fmt = "rgb24",
       .options = {{"pred", "paeth"}, {"compression_level", "3"}},
       .bits_per_pixel = 0.5},
      {.codec = "y4m", .encoder = "wrapped_avframe", .pix_fmt = "yuv420p", .bits_per_pixel = 12},
      {.codec = "raw", .encoder = "rawvideo", .pix_fmt = "rgb24", .bits_per_pixel = 12},
  };
  return table;
}

}  // namespace

std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

namespace {

bool is_here(const EncoderChoice& row) {
  return avcodec_find_encoder_by_name(row.encoder.c_str()) != nullptr;
}

std::string canonical(const std::string& codec) {
  std::string name = lower_case(codec);
  if (name == "hevc") return "h265";
  if (name == "avc") return "h264";
  return name;
}

// Formats that genvid can fill from RGB: no alpha, no palette, no grey, no deprecated "yuvj".
bool can_fill(AVPixelFormat format) {
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(format);
  if (desc == nullptr || desc->nb_components < 3) return false;
  constexpr uint64_t kNo = AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                           AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BAYER;
  if ((desc->flags & kNo) != 0) return false;
  if (desc->comp[0].depth < 8) return false;
  if (std::string(desc->name).rfind("yuvj", 0) == 0) return false;
  return sws_isSupportedOutput(format) != 0;
}

std::vector<std::string> fillable_formats(const EncoderChoice& choice) {
  if (choice.encoder == "wrapped_avframe") {
    return {"yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"};
  }
  // Pictures are reduced to a palette by ourselves.
  if (choice.codec == "gif") return {"pal8"};
  if (choice.codec == "raw") {
    return {"rgb24",   "bgr24", "rgb48le",     "gbrp",        "yuv420p",     "yuv422p",
            "yuv444p", "nv12",  "yuv420p10le", "yuv422p10le", "yuv444p10le", "p010le"};
  }
  std::vector<std::string> names;
  for (AVPixelFormat format :
       av::encoder_pix_fmts(avcodec_find_encoder_by_name(choice.encoder.c_str()))) {
    if (can_fill(format)) names.push_back(av_get_pix_fmt_name(format));
  }
  return names;
}

}  // namespace

EncoderChoice choose_encoder(const std::string& asked) {
  std::string name = canonical(asked);
  bool known = false;
  for (const EncoderChoice& row : encoder_table()) {
    bool by_codec = row.codec == name && !row.by_name_only;
    if (!by_codec && row.encoder != name) continue;
    known = true;
    if (is_here(row)) return row;
  }
  std::string usable = joined(usable_codecs());
  if (known) {
    throw Error(ErrorKind::kUnavailable,
                "this FFmpeg has no encoder for '" + name + "'; usable here: " + usable);
  }
  throw Error(ErrorKind::kUsage, "unknown codec " + quote(asked) + "; usable here: " + usable);
}

AVPixelFormat choose_pix_fmt(const EncoderChoice& choice, const std::string& asked) {
  std::vector<std::string> allowed = fillable_formats(choice);
  std::string name = asked.empty() ? choice.pix_fmt : lower_case(asked);
  // "yuv420p10" as ffmpeg takes it, for the native order.
  AVPixelFormat format = av_get_pix_fmt(name.c_str());
  if (const char* full = av_get_pix_fmt_name(format)) name = full;
  if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
    throw Error(ErrorKind::kUsage, "pixel format " + quote(name) + " does not work with " +
                                       choice.encoder + "; use one of " + joined(allowed));
  }
  return format;
}

bool is_rgb(AVPixelFormat format) {
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(format);
  return desc != nullptr && (desc->flags & AV_PIX_FMT_FLAG_RGB) != 0;
}

std::vector<std::string> usable_codecs() {
  std::vector<std::string> names;
  for (const EncoderChoice& row : encoder_table()) {
    bool listed = std::find(names.begin(), names.end(), row.codec) != names.end();
    if (!listed && !row.by_name_only && is_here(row)) names.push_back(row.codec);
  }
  return names;
}

}  // namespace genvid::media
