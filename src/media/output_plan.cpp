#include "media/output_plan.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/limits.h"
#include "core/log.h"
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

// Encoders in order of preference, by name: by codec id FFmpeg offers slow libaom first. Quality is
// always set: libsvtav1's own default is "unset".
const std::vector<EncoderChoice>& encoder_table() {
  static const std::vector<EncoderChoice> table = {
      {"h264", "libx264", "yuv420p", 18, 51, "crf", x264_options(), 16, 0.02},
      {"h264", "libopenh264", "yuv420p", -1, 0, "", {{"b", "8000000"}}, 16, 0.02},
      {"h264",
       "h264_nvenc",
       "yuv420p",
       19,
       51,
       "cq",
       {{"rc", "vbr"}, {"b", "0"}, {"preset", "p5"}},
       160,
       0.02,
       true},
      // Pools and frame threads would follow the machine's cores, and the bytes with them.
      {"h265",
       "libx265",
       "yuv420p10le",
       20,
       51,
       "crf",
       {{"preset", "medium"}, {"x265-params", "log-level=error:info=0:pools=4:frame-threads=2"}},
       16,
       0.02},
      {"h265",
       "hevc_nvenc",
       "p010le",
       21,
       51,
       "cq",
       {{"rc", "vbr"}, {"b", "0"}, {"preset", "p5"}},
       160,
       0.02,
       true},
      {"av1",
       "libsvtav1",
       "yuv420p10le",
       28,
       63,
       "crf",
       {{"preset", "8"}, {"svtav1-params", "lp=4"}},
       64,
       0.01},
      {"av1",
       "librav1e",
       "yuv420p10le",
       100,
       255,
       "qp",
       {{"speed", "8"}, {"tiles", "4"}},
       16,
       0.01},
      {"av1",
       "libaom-av1",
       "yuv420p10le",
       28,
       63,
       "crf",
       {{"b", "0"}, {"cpu-used", "6"}},
       16,
       0.01},
      {"vp9",
       "libvpx-vp9",
       "yuv420p",
       20,
       63,
       "crf",
       {{"b", "0"}, {"deadline", "good"}, {"cpu-used", "4"}, {"row-mt", "1"}},
       16,
       0.01},
      {"prores",
       "prores_ks",
       "yuv422p10le",
       -1,
       0,
       "",
       {{"profile", "hq"}, {"vendor", "apl0"}},
       16,
       1.5},
      {"ffv1", "ffv1", "bgr0", -1, 0, "", {{"level", "3"}, {"slices", "4"}}, 16, 0.5},
      {"png", "png", "rgb24", -1, 0, "", {{"pred", "paeth"}, {"compression_level", "3"}}, 16, 0.5},
      {"y4m", "wrapped_avframe", "yuv420p", -1, 0, "", {}, 16, 12},
  };
  return table;
}

struct Container {
  const char* suffix;
  const char* muxer;
  const char* codec;  // default
};
constexpr std::array<Container, 7> kContainers{{
    {".mp4", "mp4", "h264"},
    {".m4v", "mp4", "h264"},
    {".mov", "mov", "prores"},
    {".mkv", "matroska", "ffv1"},
    {".webm", "webm", "vp9"},
    {".y4m", "yuv4mpegpipe", "y4m"},
    {".png", "", "png"},
}};

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::string suffix_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  size_t dot = path.find_last_of('.');
  if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) return "";
  return lower(path.substr(dot));
}

std::string join(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

Container container_of(const OutputOptions& options) {
  if (options.path == "-") {
    std::string format = options.format.empty() ? "y4m" : options.format;
    if (format == "y4m") return {"", "yuv4mpegpipe", "y4m"};
    if (format == "mp4") return {"", "mp4", "h264"};
    throw Error(ErrorKind::kUsage,
                "unknown format " + quote(format) + " for standard output; use y4m or mp4");
  }
  std::string suffix = suffix_of(options.path);
  for (const Container& row : kContainers) {
    if (suffix == row.suffix) return row;
  }
  throw Error(
      ErrorKind::kUsage,
      "cannot tell the file type of " + quote(options.path) + " from its suffix" +
          (suffix.empty() ? "" : " " + quote(suffix)) +
          "; use .mp4, .m4v, .mov, .mkv, .webm, .y4m, name_%05d.png or - (standard output)");
}

bool is_here(const EncoderChoice& row) {
  return avcodec_find_encoder_by_name(row.encoder.c_str()) != nullptr;
}

std::string canonical(const std::string& codec) {
  std::string name = lower(codec);
  if (name == "hevc") return "h265";
  if (name == "avc") return "h264";
  return name;
}

EncoderChoice choose_encoder(const std::string& asked) {
  std::string name = canonical(asked);
  bool known = false;
  for (const EncoderChoice& row : encoder_table()) {
    bool by_codec = row.codec == name && !row.by_name_only;
    if (!by_codec && row.encoder != name) continue;
    known = true;
    if (is_here(row)) return row;
  }
  std::string usable = join(usable_codecs());
  if (known) {
    throw Error(ErrorKind::kUnavailable,
                "this FFmpeg has no encoder for '" + name + "'; usable here: " + usable);
  }
  throw Error(ErrorKind::kUsage, "unknown codec " + quote(asked) + "; usable here: " + usable);
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
  std::vector<std::string> names;
  for (AVPixelFormat format :
       av::encoder_pix_fmts(avcodec_find_encoder_by_name(choice.encoder.c_str()))) {
    if (can_fill(format)) names.push_back(av_get_pix_fmt_name(format));
  }
  return names;
}

AVPixelFormat choose_pix_fmt(const EncoderChoice& choice, const std::string& asked) {
  std::vector<std::string> allowed = fillable_formats(choice);
  std::string name = asked.empty() ? choice.pix_fmt : lower(asked);
  // "yuv420p10" as ffmpeg takes it, for the native order.
  AVPixelFormat format = av_get_pix_fmt(name.c_str());
  if (const char* full = av_get_pix_fmt_name(format)) name = full;
  if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
    throw Error(ErrorKind::kUsage, "pixel format " + quote(name) + " does not work with " +
                                       choice.encoder + "; use one of " + join(allowed));
  }
  return format;
}

void apply_crf(EncoderChoice& choice, const std::optional<int>& crf) {
  if (choice.crf < 0) {
    if (!crf) return;
    throw Error(ErrorKind::kUsage, "--crf does not apply to " + choice.codec + " (" +
                                       choice.encoder + "); leave it out");
  }
  int value = crf.value_or(choice.crf);
  if (value < 0 || value > choice.crf_max) {
    throw Error(ErrorKind::kUsage, "crf " + std::to_string(value) + " is outside 0.." +
                                       std::to_string(choice.crf_max) + " of " + choice.encoder);
  }
  choice.options[choice.crf_option] = std::to_string(value);
}

void check_container(const Container& container, const EncoderChoice& choice) {
  const AVOutputFormat* format = av_guess_format(container.muxer, nullptr, nullptr);
  if (format == nullptr) {
    throw Error(ErrorKind::kUnavailable,
                std::string("this FFmpeg cannot write ") + container.muxer + " files");
  }
  AVCodecID id = avcodec_find_encoder_by_name(choice.encoder.c_str())->id;
  bool y4m = choice.codec == "y4m";
  bool y4m_container = std::string(container.muxer) == "yuv4mpegpipe";
  bool fits = y4m == y4m_container && choice.codec != "png" &&
              (y4m || avformat_query_codec(format, id, FF_COMPLIANCE_NORMAL) == 1);
  if (!fits) {
    throw Error(ErrorKind::kUsage, "codec " + choice.codec + " does not go into a " +
                                       (*container.suffix ? container.suffix : container.muxer) +
                                       " file; leave --codec out to get " + container.codec);
  }
}

}  // namespace

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

OutputPlan plan_output(const OutputOptions& options) {
  av::install_log();
  if (options.path.empty()) throw Error(ErrorKind::kUsage, "no output file; give one with -o");
  if (options.path.size() > limits::kPathBytes || options.path.find('\0') != std::string::npos) {
    throw Error(ErrorKind::kUsage, "the output path is longer than " +
                                       std::to_string(limits::kPathBytes) +
                                       " bytes or holds a NUL");
  }
  Container container = container_of(options);
  OutputPlan plan;
  plan.path = options.path;
  plan.muxer = container.muxer;
  plan.kind = options.path == "-"  ? OutputPlan::Kind::kStdout
              : plan.muxer.empty() ? OutputPlan::Kind::kImages
                                   : OutputPlan::Kind::kFile;
  plan.encoder = choose_encoder(options.codec.empty() ? container.codec : options.codec);
  if (plan.kind == OutputPlan::Kind::kImages) {
    if (plan.encoder.codec != "png") {
      throw Error(ErrorKind::kUsage,
                  "a .png sequence takes no --codec " + plan.encoder.codec + "; leave --codec out");
    }
  } else {
    check_container(container, plan.encoder);
  }
  plan.pix_fmt = choose_pix_fmt(plan.encoder, options.pix_fmt);
  apply_crf(plan.encoder, options.crf);
  if (plan.encoder.codec == "prores" && av_pix_fmt_desc_get(plan.pix_fmt)->log2_chroma_w == 0) {
    plan.encoder.options["profile"] = "4444";
  }
  bool iso = plan.muxer == "mp4" || plan.muxer == "mov";
  if (iso) {
    plan.muxer_options["movflags"] = plan.kind == OutputPlan::Kind::kStdout
                                         ? "+frag_keyframe+empty_moov+default_base_moof"
                                         : "+faststart";
    // FFmpeg writes 'hev1', which Apple's players refuse.
    if (plan.encoder.codec == "h265") plan.codec_tag = MKTAG('h', 'v', 'c', '1');
  }
  return plan;
}

void check_geometry(const OutputPlan& plan, Size size, Rational fps) {
  std::string shown = std::to_string(size.width) + "x" + std::to_string(size.height);
  int low = std::max(plan.encoder.min_side, limits::kMinSide);
  if (std::min(size.width, size.height) < low ||
      std::max(size.width, size.height) > limits::kMaxSide) {
    throw Error(ErrorKind::kUsage, "size " + shown + " is outside " + std::to_string(low) + ".." +
                                       std::to_string(limits::kMaxSide) + " per side of " +
                                       plan.encoder.encoder);
  }
  const AVPixFmtDescriptor* desc = av_pix_fmt_desc_get(plan.pix_fmt);
  int mask_w = (1 << desc->log2_chroma_w) - 1, mask_h = (1 << desc->log2_chroma_h) - 1;
  if ((size.width & mask_w) != 0 || (size.height & mask_h) != 0) {
    throw Error(ErrorKind::kUsage, "size " + shown + " is odd, which " + desc->name +
                                       " cannot hold; use " + std::to_string(size.width & ~mask_w) +
                                       "x" + std::to_string(size.height & ~mask_h));
  }
  constexpr int64_t kMaxTerm = 1'000'000;
  if (fps.num <= 0 || fps.den <= 0 || fps.num > kMaxTerm || fps.den > kMaxTerm ||
      fps.value() > limits::kMaxFps || fps.value() < 0.01) {
    throw Error(ErrorKind::kUsage, "frame rate " + std::to_string(fps.num) + "/" +
                                       std::to_string(fps.den) + " is outside 0.01.." +
                                       std::to_string(static_cast<int>(limits::kMaxFps)));
  }
}

}  // namespace genvid::media
