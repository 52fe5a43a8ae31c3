#include "media/c2pa_library.h"

#include <dlfcn.h>

#include <cstdlib>

#include "core/data_dir.h"
#include "core/log.h"
#include "genvid/error.h"

namespace genvid::media {
namespace {

constexpr char kHow[] =
    "; `pip download --no-deps c2pa-python` has it as c2pa/libs/libc2pa_c.so (scripts/genvid puts "
    "it beside the program), or name one with GENVID_C2PA_LIB";

template <class Function>
void bind(void* library, const std::string& path, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) {
    throw Error(ErrorKind::kUnavailable,
                log::printable(path) + " has no function " + name +
                    ": its version does not fit this genvid (made for 0.91, c2pa-python 0.38)");
  }
}

std::string library_path() {
  const char* named = std::getenv("GENVID_C2PA_LIB");
  if (named != nullptr && *named != '\0') return named;
  return (library_dir() / "libc2pa_c.so").string();
}

C2paApi load() {
  const std::string path = library_path();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    throw Error(ErrorKind::kUnavailable,
                "content credentials need the C2PA library, which is not "
                "here (" +
                    log::printable(why == nullptr ? path : why) + ")" + kHow);
  }
  C2paApi api{};
  const auto get = [&](const char* name, auto*& function) { bind(library, path, name, function); };
  get("c2pa_version", api.version);
  get("c2pa_error", api.error);
  get("c2pa_free", api.free);
  get("c2pa_settings_new", api.settings_new);
  get("c2pa_settings_update_from_string", api.settings_update_from_string);
  get("c2pa_context_builder_new", api.context_builder_new);
  get("c2pa_context_builder_set_settings", api.context_builder_set_settings);
  get("c2pa_context_builder_build", api.context_builder_build);
  get("c2pa_builder_from_context", api.builder_from_context);
  get("c2pa_builder_with_definition", api.builder_with_definition);
  get("c2pa_builder_set_no_embed", api.builder_set_no_embed);
  get("c2pa_builder_sign", api.builder_sign);
  get("c2pa_signer_from_info", api.signer_from_info);
  get("c2pa_create_stream", api.create_stream);
  get("c2pa_release_stream", api.release_stream);
  get("c2pa_reader_from_context", api.reader_from_context);
  get("c2pa_reader_with_stream", api.reader_with_stream);
  get("c2pa_reader_with_manifest_data_and_stream", api.reader_with_manifest_data_and_stream);
  get("c2pa_reader_json", api.reader_json);
  get("c2pa_reader_is_embedded", api.reader_is_embedded);
  return api;
}

}  // namespace

const C2paApi& c2pa_api() {
  static const C2paApi api = load();
  return api;
}

std::string c2pa_error_text() {
  char* text = c2pa_api().error();
  if (text == nullptr) return "no reason given";
  const std::string copy = log::printable(text);
  c2pa_api().free(text);
  return copy.empty() ? "no reason given" : copy;
}

}  // namespace genvid::media
