#include "core/data_dir.h"

#include <dlfcn.h>

namespace genvid {
namespace {

namespace fs = std::filesystem;

fs::path find_library_dir() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&data_dir), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  std::error_code error;
  const fs::path library = fs::canonical(info.dli_fname, error);
  return error ? fs::path() : library.parent_path();
}

fs::path find_data_dir() {
  std::error_code error;
  const fs::path& here = library_dir();
  if (here.empty()) return {};
  // build/; <prefix>/lib/genvid/; <prefix>/lib/<machine>/genvid/; a program linked with core in
  // build/tests/.
  for (const char* relative : {"..", "../../share/genvid", "../../../share/genvid", "../.."}) {
    const fs::path candidate = here / relative;
    if (fs::is_directory(candidate / "configs", error)) return fs::canonical(candidate, error);
  }
  return {};
}

}  // namespace

const fs::path& library_dir() {
  static const fs::path dir = find_library_dir();
  return dir;
}

const fs::path& data_dir() {
  static const fs::path dir = find_data_dir();
  return dir;
}

}  // namespace genvid
