#include "media/seal_file.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "core/failpoint.h"
#include "media/quote.h"
#include "media/read_info.h"

namespace genvid::media {
namespace {

namespace fs = std::filesystem;

void require_valid(const C2paReport& report) {
  if (report.state == "valid" || report.state == "trusted") return;
  std::string why;
  for (const std::string& reason : report.reasons) why += (why.empty() ? "" : "; ") + reason;
  throw Error(ErrorKind::kOutput, "the credentials read back are " + report.state +
                                      (why.empty() ? "" : " (" + why + ")"));
}

// Signers have broken files before: the copy is read as any reader would.
void require_frames(const AtomicFile& file, int64_t frames) {
  const int64_t found = read_info(InputFile(file.part_path().string())).frames;
  if (found == frames) return;
  throw Error(ErrorKind::kOutput, "the signed file has " + std::to_string(found) +
                                      " frames where " + std::to_string(frames) + " were written");
}

void seal_inside(AtomicFile& file, const std::string& path, int64_t frames,
                 const SealOptions& options) {
  const C2paFormat format = c2pa_format(path);
  AtomicFile copy(path, options.overwrite);
  options.sealer->seal(format, file.fd(), copy.fd());
  if (failpoint("seal.damage") == "flip" && ::pwrite(copy.fd(), "x", 1, 4096) != 1) return;
  require_frames(copy, frames);
  require_valid(read_c2pa(format, copy.fd(), {}, ""));
  copy.commit();
}

void seal_beside(AtomicFile& file, const std::string& path, const SealOptions& options) {
  const C2paFormat format = c2pa_format(path);
  AtomicFile sidecar(c2pa_sidecar_path(path), options.overwrite);
  // The library writes a copy although nothing goes into it.
  const std::unique_ptr<FILE, int (*)(FILE*)> scratch(std::tmpfile(), &std::fclose);
  if (!scratch) throw Error(ErrorKind::kOutput, "no room for a temporary file");
  const std::vector<uint8_t> credentials =
      options.sealer->seal(format, file.fd(), ::fileno(scratch.get()));
  require_valid(read_c2pa(format, file.fd(), credentials, ""));
  sidecar.write_all(credentials.data(), credentials.size());
  // The file first: a batch that dies in between finds it and makes both again.
  file.commit();
  try {
    sidecar.commit();
  } catch (...) {
    ::unlink(path.c_str());
    throw;
  }
}

std::string unsigned_path(const std::string& path) {
  const fs::path p = path;
  return (p.parent_path() / (p.stem().string() + ".unsigned" + p.extension().string())).string();
}

}  // namespace

void commit_sealed(AtomicFile& file, const std::string& path, int64_t frames,
                   const SealOptions& options) {
  std::string why;
  try {
    if (c2pa_format(path).embedded) {
      seal_inside(file, path, frames, options);
    } else {
      seal_beside(file, path, options);
    }
    return;
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kCancelled) throw;
    why = quote(path) + " is not signed: " + e.what();
  }
  if (!options.keep_unsigned) {
    throw Error(ErrorKind::kOutput, why + "; it is not kept (--keep-unsigned keeps it)");
  }
  const std::string other = unsigned_path(path);
  file.redirect(other);
  file.commit();
  throw Error(ErrorKind::kOutput, why + "; kept unsigned as " + quote(other));
}

void check_sealable(const std::string& path, bool overwrite) {
  if (c2pa_format(path).mime.empty()) {
    throw Error(ErrorKind::kUsage,
                (path == "-" ? "standard output" : quote(path)) +
                    " cannot be signed; --sign works for .mp4, .m4v, .mov, .gif and .png, and for "
                    ".webm and .mkv with a .c2pa file beside them");
  }
  if (!c2pa_format(path).embedded) AtomicFile probe(c2pa_sidecar_path(path), overwrite);
}

}  // namespace genvid::media
