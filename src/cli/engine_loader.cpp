#include "cli/engine_loader.h"

#include <dlfcn.h>

#include <string>

#include "cli/signals.h"
#include "core/data_dir.h"
#include "core/log.h"
#include "genvid/error.h"

namespace genvid::cli {

std::unique_ptr<Engine> load_engine(Host& host) {
  install_signal_handlers();
  const std::string path = (library_dir() / "libgenvid_engine.so").string();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* error = dlerror();
    const std::string why = error == nullptr ? path : error;
    // What the dynamic loader says when address space is short.
    for (const char* sign :
         {"failed to map segment", "annot allocate memory", "cannot map pages"}) {
      if (why.find(sign) == std::string::npos) continue;
      throw Error(ErrorKind::kMemory, "not enough memory to load the engine: " +
                                          log::printable(why) + "; raise the limit (ulimit -v)");
    }
    throw Error(ErrorKind::kUnavailable, "cannot load the engine: " + log::printable(why) +
                                             "; scripts/genvid builds it and installs libtorch");
  }
  using Create = Engine* (*)(int, Host*);
  const auto create = reinterpret_cast<Create>(dlsym(library, "genvid_engine_create"));
  Engine* engine = create == nullptr ? nullptr : create(kEngineAbi, &host);
  if (engine == nullptr) {
    throw Error(ErrorKind::kUnavailable,
                path + " is of another version than this program; build both again");
  }
  return std::unique_ptr<Engine>(engine);
}

}  // namespace genvid::cli
