#include "tensor/device.h"

#include <ATen/DeviceAccelerator.h>
#include <dlfcn.h>
#include <malloc.h>

#include <filesystem>
#include <mutex>

#include "genvid/error.h"

namespace genvid {
namespace {

struct CudaState {
  int count = 0;
  std::string absence;
};

// libtorch_cuda.so lies beside libtorch_cpu.so; its static initialisers register the back end.
CudaState load_cuda() {
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    return {0, "no NVIDIA driver (libcuda.so.1 cannot be loaded)"};
  }
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&at::getAccelerator), &info) == 0 || !info.dli_fname) {
    return {0, "cannot tell where libtorch_cpu.so is"};
  }
  const auto library = std::filesystem::path(info.dli_fname).parent_path() / "libtorch_cuda.so";
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = dlerror();
    return {0, "the driver is here but " + library.filename().string() + " cannot be loaded (" +
                   (reason ? reason : "unknown") + "); run scripts/genvid again to install it"};
  }
  int count = 0;
  try {
    if (at::getAccelerator(false) == c10::DeviceType::CUDA) count = at::accelerator::deviceCount();
  } catch (const c10::Error& e) {
    return {0, std::string("CUDA does not start: ") + e.what_without_backtrace()};
  }
  if (count == 0) return {0, "the driver reports no CUDA device"};
  return {count, ""};
}

const CudaState& cuda_state() {
  static std::once_flag once;
  static CudaState state;
  std::call_once(once, [] { state = load_cuda(); });
  return state;
}

}  // namespace

int cuda_device_count() { return cuda_state().count; }

std::string cuda_absence() { return cuda_state().absence; }

at::Device parse_device(const std::string& text) {
  if (text == "cpu") return at::kCPU;
  if (text == "auto") {
    return cuda_device_count() > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  }
  int index = 0;
  if (text.rfind("cuda:", 0) == 0 && text.size() > 5 && text.size() < 9 &&
      text.find_first_not_of("0123456789", 5) == std::string::npos) {
    index = std::stoi(text.substr(5));
  } else if (text != "cuda") {
    throw Error(ErrorKind::kUsage, "unknown device '" + text + "'; use auto, cpu, cuda or cuda:N");
  }
  const int count = cuda_device_count();
  if (count == 0) {
    throw Error(ErrorKind::kUnavailable,
                "no CUDA device: " + cuda_absence() + "; use --device cpu");
  }
  if (index >= count) {
    throw Error(ErrorKind::kUnavailable,
                "no device cuda:" + std::to_string(index) + "; there are " + std::to_string(count));
  }
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

std::pair<uint64_t, uint64_t> device_memory(at::Device device) {
  if (device.is_cpu()) return {0, 0};
  const auto [free_bytes, total_bytes] = at::accelerator::getMemoryInfo(device.index());
  return {free_bytes, total_bytes};
}

uint64_t peak_device_bytes(at::Device device) {
  if (device.is_cpu()) return 0;
  const auto stats = at::accelerator::getDeviceStats(device.index());
  return static_cast<uint64_t>(stats.allocated_bytes[0].peak);  // [0] = all pools together
}

void reset_peak_device_bytes(at::Device device) {
  if (!device.is_cpu()) at::accelerator::resetPeakStats(device.index());
}

void empty_device_cache(at::Device device) {
  if (!device.is_cpu()) return at::accelerator::emptyCache();
#ifdef __GLIBC__
  ::malloc_trim(0);  // what was freed between pieces that are in use goes back to the system
#endif
}

void synchronize(at::Device device) {
  if (!device.is_cpu()) at::accelerator::synchronizeDevice(device.index());
}

at::ScalarType parse_dtype(const std::string& text) {
  if (text == "fp32") return at::kFloat;
  if (text == "bf16") return at::kBFloat16;
  throw Error(ErrorKind::kUsage, "unknown dtype '" + text + "'; use fp32 or bf16");
}

}  // namespace genvid
