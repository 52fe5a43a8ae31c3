// Whole safetensors files as tensors: latents that users save and give, and parity references.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "core/latents_file.h"
#include "tensor/tensor.h"

namespace genvid {

using TensorFile = std::map<std::string, Tensor>;

// All tensors of the file in their own dtypes, on the CPU. Throws Error(kModel).
TensorFile read_tensors(const std::filesystem::path& path);

// Each tensor in turn, so that only one is in memory.
void for_each_tensor(
    const std::filesystem::path& path,
    const std::function<void(const std::string& name, const Tensor& value)>& visit);

// Of a file as core/latents_file.h has it: fp32 [1, C, T, H, W]. Throws Error(kUsage) saying what
// the file holds instead.
Tensor read_latents(const std::filesystem::path& path);

// As fp32 "latents", behind `start`. Throws Error(kOutput).
void write_latents(const std::filesystem::path& path, const Tensor& latents, bool overwrite,
                   const LatentsStart& start = {});

}  // namespace genvid
