// Content credentials (C2PA): a signed statement of what made a file, embedded in it, or beside it
// as NAME.c2pa where the container cannot hold one. What the statement says is the caller's.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "media/signing_key.h"

namespace genvid::media {

// What the library calls itself; empty when it is not here.
std::string c2pa_version();

// The library's name for a kind of file, by suffix; empty when it can neither hold credentials nor
// have them beside it.
struct C2paFormat {
  std::string mime;
  bool embedded = false;
};
C2paFormat c2pa_format(const std::string& path);

// out.webm -> out.c2pa, where other C2PA tools look too.
std::string c2pa_sidecar_path(const std::string& path);

class C2paSealer {
 public:
  // manifest: the definition as JSON, without title and format. Loads the library and tries the key
  // and the manifest, so that what can fail early does. Throws Error(kUnavailable or kUsage).
  C2paSealer(SigningIdentity identity, std::string manifest);

  // The same key with another manifest.
  C2paSealer with_manifest(std::string manifest) const { return {identity_, std::move(manifest)}; }

  // Copies the file behind `from` to `to`, with the credentials in it if they are embedded. Gives
  // the credentials' bytes. Descriptors are used from their beginning. Throws Error(kOutput).
  std::vector<uint8_t> seal(const C2paFormat& format, int from, int to) const;

 private:
  SigningIdentity identity_;
  std::string manifest_;
};

struct C2paReport {
  // "none"; "valid": whole, signed by somebody unknown; "trusted": whole, and the signer's CA is
  // one that was given; "invalid"; "unreadable": credentials that cannot be parsed.
  std::string state = "none";
  bool embedded = false;             // else beside the file
  std::vector<std::string> reasons;  // codes of what failed, with the library's explanation
  std::string manifest;              // the active one as JSON; empty without
};

// anchors: PEM of the CAs to trust; may be empty. sidecar: credentials from beside the file; empty
// without. Throws Error(kUnavailable) without the library.
C2paReport read_c2pa(const C2paFormat& format, int file, const std::vector<uint8_t>& sidecar,
                     const std::string& anchors);

// The same for a path, its sidecar looked for, in a child process with limits: the file may be
// anybody's. Throws Error(kUsage) when it cannot be read.
C2paReport read_c2pa(const std::string& path, const std::string& anchors);

}  // namespace genvid::media
