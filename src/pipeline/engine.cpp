// The entry of libgenvid_engine.so: the engine interface over the pipeline, with foreign exceptions
// turned into genvid::Error.
#include "genvid/engine.h"

#include <ATen/Version.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <torch/headeronly/version.h>

#include <new>

#include "genvid/error.h"
#include "pipeline/check.h"
#include "pipeline/devices.h"
#include "pipeline/generate.h"

namespace genvid {
namespace {

template <typename F>
auto guarded(F&& body) {
  c10::InferenceMode inference;
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const c10::OutOfMemoryError& e) {
    throw Error(ErrorKind::kMemory, std::string("out of GPU memory: ") +
                                        e.what_without_backtrace() +
                                        "; use a smaller --size or fewer --seconds");
  } catch (const c10::Error& e) {
    throw Error(ErrorKind::kModel,
                std::string("the tensor library failed: ") + e.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorKind::kMemory, "out of memory; use a smaller --size or fewer --seconds");
  }
}

class LocalEngine final : public Engine {
 public:
  explicit LocalEngine(Host& host) : host_(host) {}

  ClipResult generate(const ClipSpec& spec, FrameSink& sink) override {
    return guarded([&] { return generate_clip(spec, sink, host_); });
  }
  ClipResult decode(const DecodeSpec& spec, FrameSink& sink) override {
    return guarded([&] { return decode_clip(spec, sink, host_); });
  }
  std::vector<CheckLine> check(const CheckSpec& spec) override {
    return guarded([&] { return check_model(spec, host_); });
  }
  EngineInfo info() override {
    return guarded([&] {
      EngineInfo out;
      out.torch_version = TORCH_VERSION;
      out.cpu_capability = at::get_cpu_capability();
      out.onednn_isa = at::get_mkldnn_version();
      out.devices = list_devices();
      return out;
    });
  }

 private:
  Host& host_;
};

}  // namespace
}  // namespace genvid

extern "C" __attribute__((visibility("default"))) genvid::Engine* genvid_engine_create(
    int abi, genvid::Host* host) {
  if (abi != genvid::kEngineAbi || host == nullptr) return nullptr;
  return new genvid::LocalEngine(*host);
}
