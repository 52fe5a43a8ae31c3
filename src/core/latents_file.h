// Latents as users save and give them: a safetensors file with one fp32 tensor [1, C, T, H, W].
#pragma once

#include <filesystem>

#include "core/safetensors.h"

namespace genvid {

// The tensor, of any name. Throws Error(kUsage) saying what the file holds instead.
TensorEntry latents_entry(const std::filesystem::path& path);

}  // namespace genvid
