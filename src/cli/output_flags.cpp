#include "cli/output_flags.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "core/log.h"
#include "core/parse_values.h"
#include "genvid/error.h"
#include "jobs/manifest.h"
#include "media/c2pa.h"

namespace genvid::cli {
namespace {

constexpr char kHeading[] = "What made it";

// Read and tried once for all clips of a batch.
std::shared_ptr<const media::C2paSealer> sealer_of(const Request& request) {
  if (request.sign.empty() && request.cert.empty()) return nullptr;
  if (request.sign.empty() || request.cert.empty()) {
    throw Error(ErrorKind::kUsage, request.cert.empty()
                                       ? "--sign needs --cert, the key's certificate chain"
                                       : "--cert needs --sign, the certificate's key");
  }
  static std::map<std::pair<std::string, std::string>, std::shared_ptr<const media::C2paSealer>>
      known;
  auto& sealer = known[{request.sign, request.cert}];
  if (!sealer) {
    sealer = std::make_shared<media::C2paSealer>(
        media::load_signing_identity(request.sign, request.cert),
        c2pa_manifest(nullptr, request, GENVID_VERSION));
  }
  return sealer;
}

}  // namespace

namespace {

// "4M", "800k", "4000000"; 0 = no bit rate.
int64_t parse_bitrate(const std::string& text) {
  const size_t at = text.find_last_not_of("kKmM");
  const std::string unit = at == std::string::npos ? text : text.substr(at + 1);
  const auto number = parse_number(text.substr(0, text.size() - unit.size()));
  const double scale = unit.empty() ? 1 : unit == "k" || unit == "K" ? 1e3 : 1e6;
  if (!number || unit.size() > 1 || *number < 0 || *number * scale > 1e12) return 0;
  return std::llround(*number * scale);
}

// "tune=film;g=48" as FFmpeg's names and values.
std::map<std::string, std::string> parse_encoder_options(const std::string& text) {
  std::map<std::string, std::string> options;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(';', at), text.size());
    const std::string item = text.substr(at, end - at);
    const size_t equals = item.find('=');
    if (equals == 0 || equals == std::string::npos) {
      bad_value("--x", item, "NAME=VALUE, an option of FFmpeg's encoder");
    }
    options[item.substr(0, equals)] = item.substr(equals + 1);
    at = end + 1;
  }
  return options;
}

}  // namespace

void add_output_flags(RequestFlags& flags) {
  flags.text("--format", &Request::format,
             "Of standard output: y4m, mp4 (fragmented), mkv, webm or raw");
  flags.text("--codec", &Request::codec,
             "h264, h265, av1, vp9, prores, ffv1, gif, or an encoder's name (h264_nvenc); by "
             "default what suits the suffix");
  flags.integer("--crf", &Request::crf, "Quality, lower is better", 0, 255);
  flags.custom("--bitrate", "Bits a second (4M) instead of a quality", "RATE",
               [](const std::string& v) -> RequestFlags::Field {
                 const int64_t rate = parse_bitrate(v);
                 if (rate == 0) bad_value("--bitrate", v, "bits a second, e.g. 4M or 800k");
                 return [=](Request& r) { r.bitrate = rate; };
               });
  flags.text("--pix-fmt", &Request::pix_fmt, "Pixel format, e.g. yuv420p10le");
  flags.text("--preset", &Request::preset, "The encoder's own: slow, 8, a ProRes profile, ...");
  flags.custom("--x", "An option of FFmpeg's encoder; repeatable", "NAME=VALUE",
               [](const std::string& v) -> RequestFlags::Field {
                 parse_encoder_options(v);
                 return [=](Request& r) {
                   r.encoder_options += (r.encoder_options.empty() ? "" : ";") + v;
                 };
               });
  flags.custom("--output-size", "Scale to this size (Lanczos)", "WxH",
               [](const std::string& v) -> RequestFlags::Field {
                 const auto size = parse_size(v);
                 if (!size) bad_value("--output-size", v, "WIDTHxHEIGHT, e.g. 1280x720");
                 return [=](Request& r) { r.output_size = *size; };
               });
  flags.custom("--output-fps", "Repeat or leave out frames to get this rate; makes up no motion",
               "R", [](const std::string& v) -> RequestFlags::Field {
                 const auto rate = parse_rate(v);
                 if (!rate) bad_value("--output-fps", v, "frames a second, e.g. 24 or 30000/1001");
                 return [=](Request& r) { r.output_fps = *rate; };
               });
  flags.text("--preview", &Request::preview, "Also a contact sheet, FILE.png");
  flags.flag("--no-watermark", &Request::watermark, false,
             "No invisible mark in the pixels; then nothing says that a machine made the clip once "
             "its tags are stripped");
  flags.flag("--overwrite", &Request::overwrite, true, "Replace the output if it exists");
}

void add_signing_flags(RequestFlags& flags) {
  flags.group(kHeading);
  flags.text("--sign", &Request::sign, "Sign content credentials (C2PA) with this key, PEM");
  flags.text("--cert", &Request::cert, "Its certificate chain, PEM; `genvid keys init` makes both");
  flags.flag("--keep-unsigned", &Request::keep_unsigned, true,
             "If signing fails, keep the file as NAME.unsigned.mp4");
  flags.text("--credits", &Request::credits, "Into the signed statement, one a line");
  flags.text("--likeness-consent", &Request::likeness_consent,
             "Likewise: who agreed to be shown, one a line");
  flags.group("");
}

void add_prompt_keeping_flags(RequestFlags& flags) {
  flags.group(kHeading);
  flags.flag("--no-history", &Request::history, false,
             "Keep the prompt nowhere; `genvid rerun` then needs it given");
  flags.flag("--embed-prompt", &Request::embed_prompt, true,
             "Write the prompt into the file, for everybody to read");
  flags.group("");
}

media::OutputOptions output_options(const Request& request) {
  media::OutputOptions options;
  options.sealer = sealer_of(request);
  options.keep_unsigned = request.keep_unsigned;
  options.path = request.output;
  options.format = request.format;
  options.codec = request.codec;
  options.crf = request.crf;
  options.bitrate = request.bitrate;
  options.pix_fmt = request.pix_fmt;
  options.preset = request.preset;
  options.encoder_options = parse_encoder_options(request.encoder_options);
  options.output_size = request.output_size;
  options.output_fps = request.output_fps;
  options.preview = request.preview;
  options.overwrite = request.overwrite;
  // Raw frames for a pipe, unless an encoder was asked for.
  if (request.output == "-" && request.format.empty() &&
      (!request.codec.empty() || request.crf || request.bitrate)) {
    options.format = "mp4";
  }
  return options;
}

void check_new_file(const std::string& path, bool overwrite, const std::string& flag) {
  if (path.empty()) return;
  namespace fs = std::filesystem;
  const std::string shown = flag + " " + log::printable(path);
  std::error_code error;
  if (fs::exists(path, error) && !overwrite) {
    throw Error(ErrorKind::kOutput, shown + " exists; use --overwrite or another name");
  }
  if (fs::is_directory(path, error)) throw Error(ErrorKind::kOutput, shown + " is a folder");
  const fs::path parent = fs::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    throw Error(ErrorKind::kOutput,
                shown + ": cannot write into its folder: " + std::strerror(errno));
  }
}

}  // namespace genvid::cli
