#include "pipeline/memory_ladder.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <cstring>
#include <typeinfo>

#include "core/failpoint.h"
#include "core/lack_of_memory.h"
#include "core/log.h"
#include "genvid/error.h"
#include "pipeline/between_clips.h"
#include "tensor/device.h"

namespace genvid {

std::string out_of_memory() {
  try {
    throw;
  } catch (const c10::OutOfMemoryError& e) {
    return std::string("out of GPU memory: ") + e.what_without_backtrace();
  } catch (const c10::Error& e) {
    // What libtorch throws where malloc() fails has no type of its own.
    const char* text = e.what_without_backtrace();
    return std::strstr(text, "DefaultCPUAllocator") != nullptr ? "out of memory" : "";
  } catch (const Error& e) {
    return e.kind() == ErrorKind::kMemory ? e.what() : "";
  } catch (const std::exception& e) {
    // oneDNN's own error says what it could not make, not why; all that we ask for it can make.
    const bool onednn = std::strcmp(typeid(e).name(), "N4dnnl5errorE") == 0;
    return onednn || is_lack_of_memory(e) ? "out of memory" : "";
  } catch (...) {
    return "";
  }
}

void MemoryLadder::run(Stage stage, const std::function<void()>& body) {
  while (true) {
    std::string why;
    try {
      return body();
    } catch (...) {
      why = out_of_memory();
      if (why.empty()) throw;
    }
    // What body held is gone now.
    if (!step_down(stage, why)) {
      throw Error(ErrorKind::kMemory, why + (taken_.empty() ? "" : " (after: " + taken_ + ")") +
                                          "; use a smaller --size or fewer --seconds");
    }
  }
}

bool MemoryLadder::step_down(Stage stage, const std::string& why) {
  const auto took = [&](const std::string& what) {
    taken_ += (taken_.empty() ? "" : ", ") + what;
    log::warn(why + "; trying again: " + what);
    return true;
  };
  between_clips().clear();
  empty_device_cache(context_.device);
  if (!freed_) {
    freed_ = true;
    return took("caches freed");
  }
  if (stage == Stage::kSampling) {
    if (encoder_on_host_ || context_.device.is_cpu()) return false;
    encoder_on_host_ = true;
    return took("text encoder on the CPU");
  }
  if (vae_tiles_ >= 4) {
    if (tile_after_tile_) return false;
    tile_after_tile_ = true;
    return took("one VAE tile after another");
  }
  vae_tiles_ *= 2;
  const std::string side = std::to_string(vae_tiles_);
  return took("VAE in " + side + "x" + side + " tiles");
}

void maybe_run_out_of_memory(const char* name) {
  if (failpoint(name) == "oom") at::empty({int64_t{1} << 50}, at::kByte).fill_(1);
}

}  // namespace genvid
