#include "media/c2pa.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <memory>

#include "core/input_file.h"
#include "core/json.h"
#include "core/limits.h"
#include "media/c2pa_library.h"
#include "media/child.h"
#include "media/quote.h"

namespace genvid::media {
namespace {

namespace fs = std::filesystem;

// A descriptor as the library's stream, with a place of its own: descriptors may be shared.
class Stream {
 public:
  explicit Stream(int fd)
      : fd_(fd), stream_(c2pa_api().create_stream(this, read, seek, write, flush)) {
    if (stream_ == nullptr) throw Error(ErrorKind::kMemory, "no stream: " + c2pa_error_text());
  }
  ~Stream() { c2pa_api().release_stream(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  C2paStream* get() const { return stream_; }
  int error() const { return error_; }  // errno of the first call that failed

 private:
  intptr_t fail() {
    if (error_ == 0) error_ = errno;
    return -1;
  }
  static intptr_t read(void* self, uint8_t* data, intptr_t bytes) {
    auto& s = *static_cast<Stream*>(self);
    ssize_t n = 0;
    do {
      n = ::pread(s.fd_, data, static_cast<size_t>(bytes), s.at_);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return s.fail();
    s.at_ += n;
    return n;
  }
  static intptr_t seek(void* self, intptr_t offset, int mode) {
    auto& s = *static_cast<Stream*>(self);
    struct stat info {};
    if (mode == 2 && ::fstat(s.fd_, &info) != 0) return s.fail();
    const off_t to = (mode == 0 ? 0 : mode == 1 ? s.at_ : info.st_size) + offset;
    if (to < 0) {
      errno = EINVAL;
      return -1;
    }
    return s.at_ = to;
  }
  static intptr_t write(void* self, const uint8_t* data, intptr_t bytes) {
    auto& s = *static_cast<Stream*>(self);
    for (intptr_t done = 0; done < bytes;) {
      const ssize_t n = ::pwrite(s.fd_, data + done, static_cast<size_t>(bytes - done), s.at_);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return s.fail();
      done += n;
      s.at_ += n;
    }
    return bytes;
  }
  static intptr_t flush(void*) { return 0; }

  int fd_;
  off_t at_ = 0;
  int error_ = 0;
  C2paStream* stream_;
};

struct Release {
  void operator()(const void* object) const { c2pa_api().free(object); }
};
template <class T>
using Owned = std::unique_ptr<T, Release>;

// No network: neither manifests nor revocation lists are fetched. No thumbnail: it would show what
// the file shows, at hundreds of kilobytes.
Owned<C2paContext> make_context(const std::string& anchors) {
  Json settings = {
      {"verify", {{"verify_trust", true}, {"remote_manifest_fetch", false}, {"ocsp_fetch", false}}},
      {"builder", {{"thumbnail", {{"enabled", false}}}}}};
  if (!anchors.empty()) settings["trust"] = {{"user_anchors", anchors}};
  const C2paApi& api = c2pa_api();
  const Owned<C2paSettings> made(api.settings_new());
  Owned<C2paContextBuilder> builder(api.context_builder_new());
  if (!made || !builder ||
      api.settings_update_from_string(made.get(), settings.dump().c_str(), "json") != 0 ||
      api.context_builder_set_settings(builder.get(), made.get()) != 0) {
    throw Error(ErrorKind::kUnavailable,
                "the C2PA library does not take the settings: " + c2pa_error_text());
  }
  Owned<C2paContext> context(api.context_builder_build(builder.release()));
  if (!context) throw Error(ErrorKind::kUnavailable, "C2PA library: " + c2pa_error_text());
  return context;
}

Owned<C2paSigner> make_signer(const SigningIdentity& identity) {
  const C2paSignerInfo info{identity.algorithm.c_str(), identity.chain_pem.c_str(),
                            identity.key_pem.c_str(), nullptr};
  Owned<C2paSigner> signer(c2pa_api().signer_from_info(&info));
  if (!signer) {
    throw Error(ErrorKind::kUsage, "the C2PA library refuses --sign with --cert: " +
                                       c2pa_error_text() + "; `genvid keys init` makes a pair");
  }
  return signer;
}

// With its context, which must live as long.
struct Builder {
  Owned<C2paContext> context = make_context("");
  Owned<C2paBuilder> builder;

  explicit Builder(const std::string& manifest) {
    const C2paApi& api = c2pa_api();
    Owned<C2paBuilder> empty(api.builder_from_context(context.get()));
    if (empty) builder.reset(api.builder_with_definition(empty.release(), manifest.c_str()));
    if (!builder) {
      throw Error(ErrorKind::kUsage, "the C2PA library refuses the manifest: " + c2pa_error_text());
    }
  }
};

std::string reader_text(C2paReader* reader) {
  char* text = c2pa_api().reader_json(reader);
  if (text == nullptr) return {};
  std::string copy = text;
  c2pa_api().free(text);
  return copy;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The library's account, which quotes the file: nothing in it is taken on trust.
C2paReport report_of(const Json& json) {
  C2paReport report;
  const std::string state = text_of(json, "validation_state");
  report.state = state == "Valid" ? "valid" : state == "Trusted" ? "trusted" : "invalid";
  if (const auto failed = json.find("validation_status");
      failed != json.end() && failed->is_array()) {
    for (const Json& item : *failed) {
      if (!item.is_object()) continue;
      const std::string code = text_of(item, "code");
      const std::string why = text_of(item, "explanation");
      report.reasons.push_back(code + (why.empty() ? "" : ": " + why));
    }
  }
  const auto all = json.find("manifests");
  const std::string active = text_of(json, "active_manifest");
  if (all != json.end() && all->is_object() && all->contains(active)) {
    report.manifest = all->at(active).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  return report;
}

std::vector<uint8_t> to_bytes(const C2paReport& r) {
  const Json json = {{"state", r.state},
                     {"embedded", r.embedded},
                     {"reasons", r.reasons},
                     {"manifest", r.manifest}};
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return {text.begin(), text.end()};
}

C2paReport from_bytes(const std::vector<uint8_t>& bytes) {
  const Json json = Json::parse(bytes.begin(), bytes.end());
  return {json.at("state"), json.at("embedded"), json.at("reasons"), json.at("manifest")};
}

}  // namespace

std::string c2pa_version() {
  try {
    char* text = c2pa_api().version();
    const std::string version = text == nullptr ? "" : log::printable(text);
    c2pa_api().free(text);
    return version;
  } catch (const Error&) {
    return {};
  }
}

C2paFormat c2pa_format(const std::string& path) {
  std::string suffix = fs::path(path).extension().string();
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (suffix == ".mp4" || suffix == ".m4v") return {"video/mp4", true};
  if (suffix == ".mov") return {"video/quicktime", true};
  if (suffix == ".gif") return {"image/gif", true};
  if (suffix == ".png" || suffix == ".apng") return {"image/png", true};
  // Neither has a place for credentials; the library then hashes the whole file.
  if (suffix == ".webm") return {"video/webm", false};
  if (suffix == ".mkv") return {"video/x-matroska", false};
  return {};
}

std::string c2pa_sidecar_path(const std::string& path) {
  return fs::path(path).replace_extension(".c2pa").string();
}

C2paSealer::C2paSealer(SigningIdentity identity, std::string manifest)
    : identity_(std::move(identity)), manifest_(std::move(manifest)) {
  make_signer(identity_);
  Builder check(manifest_);
}

std::vector<uint8_t> C2paSealer::seal(const C2paFormat& format, int from, int to) const {
  const C2paApi& api = c2pa_api();
  const Owned<C2paSigner> signer = make_signer(identity_);
  const Builder builder(manifest_);
  if (!format.embedded) api.builder_set_no_embed(builder.builder.get());
  const Stream source(from), target(to);
  const unsigned char* bytes = nullptr;
  const int64_t size = api.builder_sign(builder.builder.get(), format.mime.c_str(), source.get(),
                                        target.get(), signer.get(), &bytes);
  if (size < 0) {
    const int code = target.error() != 0 ? target.error() : source.error();
    throw Error(ErrorKind::kOutput,
                "cannot sign: " + (code != 0 ? std::string(strerror(code)) : c2pa_error_text()));
  }
  std::vector<uint8_t> manifest(bytes, bytes + size);
  api.free(bytes);
  return manifest;
}

C2paReport read_c2pa(const C2paFormat& format, int file, const std::vector<uint8_t>& sidecar,
                     const std::string& anchors) {
  const C2paApi& api = c2pa_api();
  const Owned<C2paContext> context = make_context(anchors);
  const Stream stream(file);
  Owned<C2paReader> reader(api.reader_from_context(context.get()));
  if (!reader) throw Error(ErrorKind::kUnavailable, "C2PA library: " + c2pa_error_text());
  const bool beside = !sidecar.empty();
  reader.reset(beside
                   ? api.reader_with_manifest_data_and_stream(reader.release(), format.mime.c_str(),
                                                              stream.get(), sidecar.data(),
                                                              sidecar.size())
                   : api.reader_with_stream(reader.release(), format.mime.c_str(), stream.get()));
  C2paReport report;
  const std::string error = reader ? "" : c2pa_error_text();
  if (reader) {
    report = report_of(
        parse_json(reader_text(reader.get()), "the C2PA library's answer", ErrorKind::kUsage));
  } else if (error.rfind("ManifestNotFound", 0) != 0) {
    report.state = "unreadable";
    report.reasons.push_back(error);
  }
  report.embedded = report.state != "none" && !beside;
  return report;
}

C2paReport read_c2pa(const std::string& path, const std::string& anchors) {
  const C2paFormat format = c2pa_format(path);
  if (format.mime.empty()) return {};
  c2pa_api();  // its absence is not the file's fault
  const InputFile file(path, ErrorKind::kUsage);
  std::vector<uint8_t> sidecar;
  const std::string beside = c2pa_sidecar_path(path);
  std::error_code error;
  if (!format.embedded) {
    if (!fs::exists(beside, error)) return {};
    const std::string text = read_file(beside, limits::kSidecarBytes, ErrorKind::kUsage);
    sidecar.assign(text.begin(), text.end());
    if (sidecar.empty()) return {"unreadable", false, {quote(beside) + " is empty"}, ""};
  }
  ChildLimits child;
  child.seconds = 300;  // the whole file is hashed
  child.output_bytes = 64u << 20;
  return from_bytes(run_in_child("cannot check the credentials of " + quote(path), child, [&] {
    return to_bytes(read_c2pa(format, file.fd(), sidecar, anchors));
  }));
}

}  // namespace genvid::media
