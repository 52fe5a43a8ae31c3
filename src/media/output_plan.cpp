#include "media/output_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "core/limits.h"
#include "core/log.h"
#include "media/quote.h"

namespace genvid::media {
namespace {

struct Container {
  const char* suffix;
  const char* muxer;
  const char* codec;  // default
};
constexpr std::array<Container, 8> kContainers{{
    {".mp4", "mp4", "h264"},
    {".m4v", "mp4", "h264"},
    {".mov", "mov", "prores"},
    {".mkv", "matroska", "ffv1"},
    {".webm", "webm", "vp9"},
    {".gif", "gif", "gif"},
    {".y4m", "yuv4mpegpipe", "y4m"},
    {".png", "", "png"},
}};

std::string suffix_of(const std::string& path) {
  size_t slash = path.find_last_of('/');
  size_t dot = path.find_last_of('.');
  if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) return "";
  return lower_case(path.substr(dot));
}

// What --format says for standard output.
constexpr std::array<std::pair<const char*, Container>, 5> kPipeFormats{{
    {"y4m", {"", "yuv4mpegpipe", "y4m"}},
    {"mp4", {"", "mp4", "h264"}},
    {"mkv", {"", "matroska", "h264"}},
    {"webm", {"", "webm", "vp9"}},
    {"raw", {"", "rawvideo", "raw"}},
}};

Container container_of(const OutputOptions& options) {
  if (options.path == "-") {
    std::string format = options.format.empty() ? "y4m" : options.format;
    for (const auto& [name, container] : kPipeFormats) {
      if (format == name) return container;
    }
    throw Error(ErrorKind::kUsage, "unknown format " + quote(format) +
                                       " for standard output; use y4m, mp4, mkv, webm or raw");
  }
  if (!options.format.empty()) {
    throw Error(ErrorKind::kUsage, "--format is for standard output (-o -); the suffix of " +
                                       quote(options.path) + " says what it is");
  }
  std::string suffix = suffix_of(options.path);
  if (options.path.back() == '/') suffix = ".png";
  for (const Container& row : kContainers) {
    if (suffix == row.suffix) return row;
  }
  throw Error(ErrorKind::kUsage,
              "cannot tell the file type of " + quote(options.path) + " from its suffix" +
                  (suffix.empty() ? "" : " " + quote(suffix)) +
                  "; use .mp4, .m4v, .mov, .mkv, .webm, .gif, .y4m, name_%05d.png, folder/ (PNG) "
                  "or - (standard output)");
}

void apply_crf(EncoderChoice& choice, const std::optional<int>& crf) {
  if (choice.crf < 0) {
    if (!crf) return;
    throw Error(ErrorKind::kUsage, "--crf does not apply to " + choice.codec + " (" +
                                       choice.encoder + "); leave it out");
  }
  int value = crf.value_or(choice.crf);
  if (value < 0 || value > choice.crf_max) {
    throw Error(ErrorKind::kUsage, "--crf " + std::to_string(value) + " is outside 0.." +
                                       std::to_string(choice.crf_max) + " of " + choice.encoder);
  }
  choice.options[choice.crf_option] = std::to_string(value);
}

void apply_bitrate(EncoderChoice& choice, const OutputOptions& options) {
  if (!options.bitrate) return apply_crf(choice, options.crf);
  if (options.crf) {
    throw Error(ErrorKind::kUsage,
                "--crf and --bitrate are both given: one asks for a quality, the other for a size; "
                "give one");
  }
  if (!choice.has_bitrate) {
    throw Error(ErrorKind::kUsage, "--bitrate does not apply to " + choice.codec + " (" +
                                       choice.encoder + "); leave it out");
  }
  constexpr int64_t kLow = 1'000, kHigh = 1'000'000'000;
  if (*options.bitrate < kLow || *options.bitrate > kHigh) {
    throw Error(ErrorKind::kUsage, "--bitrate is " + std::to_string(*options.bitrate) +
                                       " bits a second, expected 1k to 1000M");
  }
  choice.options["b"] = std::to_string(*options.bitrate);
}

void apply_preset(EncoderChoice& choice, const std::string& preset) {
  if (preset.empty()) return;
  if (choice.preset_option.empty()) {
    throw Error(ErrorKind::kUsage, "--preset does not apply to " + choice.codec + " (" +
                                       choice.encoder + "); leave it out");
  }
  choice.options[choice.preset_option] = preset;
}

// Encoders can be told to write files of their own (x264's "stats", x265's "csv"): not where genvid
// promises one output under one name.
bool names_a_file(const std::string& text) {
  if (text.find('/') != std::string::npos) return true;
  const std::string low = lower_case(text);
  for (const char* word : {"file", "stats", "dump", "recon", "csv", "input", "output"}) {
    if (low.find(word) != std::string::npos) return true;
  }
  return false;
}

void apply_options(EncoderChoice& choice, const std::map<std::string, std::string>& options) {
  for (const auto& [name, value] : options) {
    if (names_a_file(name) || names_a_file(value)) {
      throw Error(ErrorKind::kUsage, "--x " + log::printable(name) + "=" + log::printable(value) +
                                         " would make the encoder use another file; leave it out");
    }
    std::string& held = choice.options[name];
    // What genvid sets by such a list stays, unless the list says otherwise: later entries win.
    const bool list = name.size() > 7 && name.ends_with("-params");
    held = list && !held.empty() ? held + ":" + value : value;
  }
}

// A pipe's reader wants to see something at once, and may lose the end.
void apply_pipe(OutputPlan& plan) {
  plan.muxer_options["flush_packets"] = "1";
  if (plan.muxer == "mp4") plan.muxer_options["frag_duration"] = "500000";
  if (plan.muxer == "matroska" || plan.muxer == "webm") {
    plan.muxer_options["cluster_time_limit"] = "500";
  }
  auto& options = plan.encoder.options;
  if (plan.encoder.codec != "y4m" && plan.encoder.codec != "raw") {
    options.emplace("g", "24");
  }
  if (plan.encoder.encoder == "libx264") options.emplace("rc-lookahead", "10");
}

void check_container(const Container& container, const EncoderChoice& choice) {
  const AVOutputFormat* format = av_guess_format(container.muxer, nullptr, nullptr);
  if (format == nullptr) {
    throw Error(ErrorKind::kUnavailable,
                std::string("this FFmpeg cannot write ") + container.muxer + " files");
  }
  AVCodecID id = avcodec_find_encoder_by_name(choice.encoder.c_str())->id;
  // These three go into their own container and nowhere else.
  const auto own = [&](const char* codec, const char* muxer) {
    return (choice.codec == codec) == (std::string(container.muxer) == muxer);
  };
  const bool frames = choice.codec == "y4m" || choice.codec == "raw";
  bool fits = own("y4m", "yuv4mpegpipe") && own("raw", "rawvideo") && own("gif", "gif") &&
              choice.codec != "png" &&
              (frames || avformat_query_codec(format, id, FF_COMPLIANCE_NORMAL) == 1);
  if (!fits) {
    throw Error(ErrorKind::kUsage, "codec " + choice.codec + " does not go into a " +
                                       (*container.suffix ? container.suffix : container.muxer) +
                                       " file; leave --codec out to get " + container.codec);
  }
}

}  // namespace

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
  plan.makes_folder = options.path.back() == '/';
  if (plan.makes_folder) plan.path += "frame_%05d.png";
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
  if (plan.encoder.codec == "prores" && av_pix_fmt_desc_get(plan.pix_fmt)->log2_chroma_w == 0) {
    plan.encoder.options["profile"] = "4444";
  }
  if (plan.kind == OutputPlan::Kind::kStdout) apply_pipe(plan);
  apply_bitrate(plan.encoder, options);
  apply_preset(plan.encoder, options.preset);
  apply_options(plan.encoder, options.encoder_options);
  const auto& asked = options.encoder_options;
  plan.quality_by_size = plan.encoder.encoder == "libx264" && !options.crf && !options.bitrate &&
                         !asked.contains("crf") && !asked.contains("qp");
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

FrameSpec written_spec(const OutputPlan& plan, const OutputOptions& options,
                       const FrameSpec& clip) {
  FrameSpec out = clip;
  if (clip.fps.num <= 0 || clip.fps.den <= 0) return out;  // check_geometry() says so
  if (options.output_size) {
    out.width = options.output_size->width;
    out.height = options.output_size->height;
  } else if (plan.is_gif()) {
    constexpr int kLongEdge = 480;
    const int edge = std::max(clip.width, clip.height);
    if (edge > kLongEdge) {
      const auto scaled = [&](int side) {
        return std::max(limits::kMinSide,
                        static_cast<int>(std::lround(1.0 * side * kLongEdge / edge)));
      };
      out.width = scaled(clip.width);
      out.height = scaled(clip.height);
    }
  }
  if (options.output_fps) {
    out.fps = *options.output_fps;
  } else if (plan.is_gif()) {
    constexpr double kMost = 16;
    int64_t step = 1;
    while (clip.fps.value() / static_cast<double>(step) > kMost) ++step;
    const int64_t common = std::gcd(clip.fps.num, clip.fps.den * step);
    out.fps = {clip.fps.num / common, clip.fps.den * step / common};
  }
  const double frames = static_cast<double>(clip.frames) * out.fps.value() / clip.fps.value();
  out.frames = std::max<int64_t>(1, std::llround(frames));
  return out;
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
  if (plan.is_gif() && fps.value() > 50) {
    throw Error(ErrorKind::kUsage,
                "a GIF shows at most 50 frames a second (players slow faster ones down); use "
                "--output-fps");
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
