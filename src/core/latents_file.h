// Latents as users save and give them: a safetensors file with one fp32 tensor [1, C, T, H, W], of
// any name, and behind an earlier video that one's last frame, uint8 "shown_before" [H', W', 3].
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "core/safetensors.h"
#include "genvid/types.h"

namespace genvid {

// What the decoder must have seen before the first frame.
struct LatentsStart {
  bool loop = false;  // the clip's own end
  // So many latent frames, which stand first and whose own frames are not the clip's.
  int64_t context = 0;
  // The frame after which the clip comes, as the earlier video shows it; only with a context.
  std::optional<Image> shown;
};

// New frames that so many latent frames give, the context among them.
int64_t frames_of_latents(const LatentsStart& start, int64_t latents, int first_frames,
                          int temporal_factor);

// The latents. Throws Error(kUsage) saying what the file holds instead.
TensorEntry latents_entry(const std::filesystem::path& path);
// As the file says, the frame read; Error(kUsage) where that cannot be.
LatentsStart latents_start(const std::filesystem::path& path);
std::map<std::string, std::string> latents_metadata(const LatentsStart& start);
// The tensor that holds a frame, which must outlive it.
TensorData shown_tensor(const Image& shown);

}  // namespace genvid
