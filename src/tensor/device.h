// Which devices are here, and their memory. CUDA is a plug-in: its library is loaded only when a
// GPU is wanted and a driver is there, so a CPU machine never maps it. No CUDA header is needed.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "tensor/tensor.h"

namespace genvid {

// Number of usable CUDA devices. The first call loads libtorch_cuda beside libtorch_cpu when
// libcuda.so.1 can be loaded; call it before any other question about CUDA.
int cuda_device_count();

// Why cuda_device_count() is 0, for people; empty when it is not.
std::string cuda_absence();

// "cpu" | "cuda" | "cuda:N" | "auto" (CUDA when there is a device). Error(kUnavailable) when the
// device is not here, Error(kUsage) on other text.
at::Device parse_device(const std::string& text);

// {free, total} bytes of a CUDA device.
std::pair<uint64_t, uint64_t> device_memory(at::Device device);
uint64_t peak_device_bytes(at::Device device);  // 0 on CPU
void reset_peak_device_bytes(at::Device device);
// Gives freed memory back: the allocator's on a GPU, the heap's on the CPU.
void empty_device_cache(at::Device device);
void synchronize(at::Device device);

// "fp32" | "bf16"; Error(kUsage) otherwise.
at::ScalarType parse_dtype(const std::string& text);

}  // namespace genvid
