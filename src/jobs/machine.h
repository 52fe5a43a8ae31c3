// What this machine offers, as far as it can be told without the engine.
#pragma once

#include <cstdint>
#include <filesystem>

namespace genvid {

// Bytes that can still be used: the least of MemAvailable and what every enclosing memory cgroup
// (v2 or v1) has left. root is "/" but in tests.
uint64_t available_memory(const std::filesystem::path& root = "/");

// Cores this process may run on.
int cpu_count();

// An NVIDIA driver is here; whether a device works is for the engine to say.
bool has_gpu_driver();

// The CPU multiplies bf16 matrices in hardware (AMX).
bool has_bf16_matrices();

// A rough rate of the CPU for estimates: FLOP/s of one core in large matrix products.
double core_flops(int dtype_bytes);

}  // namespace genvid
