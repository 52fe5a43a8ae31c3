#include "cli/output_flags.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/log.h"
#include "genvid/error.h"

namespace genvid::cli {

void add_output_flags(RequestFlags& flags) {
  flags.text("--codec", &Request::codec, "Encoder, by default what suits the suffix");
  flags.integer("--crf", &Request::crf, "Quality, lower is better", 0, 63);
  flags.text("--pix-fmt", &Request::pix_fmt, "Pixel format, e.g. yuv420p10le");
  flags.flag("--no-watermark", &Request::watermark, false, "No invisible mark (there is none yet)");
  flags.flag("--overwrite", &Request::overwrite, true, "Replace the output if it exists");
}

media::OutputOptions output_options(const Request& request) {
  media::OutputOptions options;
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
