// The last step of a finished file: content credentials into a signed copy of it, or beside it,
// read again and judged before anything gets its final name.
#pragma once

#include <string>

#include "core/atomic_file.h"
#include "media/c2pa.h"

namespace genvid::media {

// How a file is to be signed.
struct SealOptions {
  const C2paSealer* sealer = nullptr;
  bool overwrite = false;
  bool keep_unsigned = false;  // when signing fails, commit the file as out.unsigned.mp4
};

// file: complete and closed to writers, for `path`. Commits it, or its signed copy. frames: that a
// reader must find. Throws Error(kOutput); nothing is then under the final name.
void commit_sealed(AtomicFile& file, const std::string& path, int64_t frames,
                   const SealOptions& options);

// Before anything is made: that this kind of file can have credentials, and that no sidecar is in
// the way. Throws Error(kUsage or kOutput).
void check_sealable(const std::string& path, bool overwrite);

}  // namespace genvid::media
