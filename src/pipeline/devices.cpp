#include "pipeline/devices.h"

#include <unistd.h>

#include "tensor/device.h"

namespace genvid {

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> out;
  DeviceInfo cpu;
  cpu.name = "cpu";
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  cpu.total_bytes = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * page;
  cpu.free_bytes = static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES)) * page;
  cpu.description = std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " cores";
  out.push_back(cpu);

  const int count = cuda_device_count();
  for (int i = 0; i < count; ++i) {
    DeviceInfo gpu;
    gpu.name = "cuda:" + std::to_string(i);
    const auto [free_bytes, total_bytes] = device_memory(at::Device(at::kCUDA, i));
    gpu.free_bytes = free_bytes;
    gpu.total_bytes = total_bytes;
    out.push_back(gpu);
  }
  if (count == 0) {
    DeviceInfo none;
    none.name = "cuda";
    none.description = "not available: " + cuda_absence();
    out.push_back(none);
  }
  return out;
}

}  // namespace genvid
