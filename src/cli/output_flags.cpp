#include "cli/output_flags.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>

#include "core/log.h"
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

void add_output_flags(RequestFlags& flags) {
  flags.text("--codec", &Request::codec, "Encoder, by default what suits the suffix");
  flags.integer("--crf", &Request::crf, "Quality, lower is better", 0, 63);
  flags.text("--pix-fmt", &Request::pix_fmt, "Pixel format, e.g. yuv420p10le");
  flags.flag("--no-watermark", &Request::watermark, false, "No invisible mark (there is none yet)");
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
  options.codec = request.codec;
  options.crf = request.crf;
  options.pix_fmt = request.pix_fmt;
  options.overwrite = request.overwrite;
  // Raw frames for a pipe, unless an encoder was asked for.
  if (request.output == "-" && (!request.codec.empty() || request.crf)) options.format = "mp4";
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
