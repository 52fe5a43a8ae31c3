// The entry of libgenvid_engine.so: the engine interface over the pipeline, with foreign exceptions
// turned into genvid::Error.
#include "genvid/engine.h"

#include <ATen/Version.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>
#include <torch/headeronly/version.h>

#include "genvid/error.h"
#include "pipeline/between_clips.h"
#include "pipeline/check.h"
#include "pipeline/devices.h"
#include "pipeline/generate.h"
#include "pipeline/memory_ladder.h"

namespace genvid {
namespace {

template <typename F>
auto guarded(F&& body) {
  c10::InferenceMode inference;
  try {
    return body();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    if (const std::string why = out_of_memory(); !why.empty()) {
      throw Error(ErrorKind::kMemory, why + "; use a smaller --size or fewer --seconds");
    }
    const auto* tensor_error = dynamic_cast<const c10::Error*>(&e);
    if (tensor_error == nullptr) throw;
    throw Error(ErrorKind::kModel, std::string("the tensor library failed: ") +
                                       tensor_error->what_without_backtrace());
  }
}

class LocalEngine final : public Engine {
 public:
  explicit LocalEngine(Host& host) : host_(host) {}

  ClipResult generate(const ClipSpec& spec, FrameSink& sink) override {
    return guarded([&] { return generate_clip(spec, sink, host_); });
  }
  void encode(const std::vector<ClipSpec>& clips) override {
    guarded([&] { encode_clips(clips, host_); });
  }
  void hold_weights(bool hold) override { between_clips().hold_weights(hold); }
  ClipResult decode(const DecodeSpec& spec, FrameSink& sink) override {
    return guarded([&] { return decode_clip(spec, sink, host_); });
  }
  std::vector<CheckLine> check(const CheckSpec& spec) override {
    return guarded([&] { return check_model(spec, host_); });
  }
  std::optional<std::vector<NamedAttribute>> read_prompt(const ClipSpec& spec) override {
    return guarded([&] { return read_clip_prompt(spec); });
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
