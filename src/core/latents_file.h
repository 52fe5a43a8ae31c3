// Latents as users save and give them: a safetensors file with one fp32 tensor [1, C, T, H, W].
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "core/safetensors.h"

namespace genvid {

// What the decoder must have seen before the first frame.
struct LatentsStart {
  bool loop = false;  // the clip's own end
  // So many latent frames, which stand first and whose own frames are not the clip's.
  int64_t context = 0;
};

// New frames that so many latent frames give, the context among them.
int64_t frames_of_latents(const LatentsStart& start, int64_t latents, int first_frames,
                          int temporal_factor);

// The tensor, of any name. Throws Error(kUsage) saying what the file holds instead.
TensorEntry latents_entry(const std::filesystem::path& path);
// As the file's metadata says; Error(kUsage) where that cannot be.
LatentsStart latents_start(const std::filesystem::path& path);
std::map<std::string, std::string> latents_metadata(const LatentsStart& start);

}  // namespace genvid
