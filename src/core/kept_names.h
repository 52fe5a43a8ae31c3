// Names of what a clip keeps on disk while it is made (KeepSpec): the engine writes the files, the
// front finds, moves and removes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace genvid {

inline constexpr std::string_view kKeptLatents = ".latents.safetensors";
inline constexpr std::string_view kKeptSampling = ".sampling.safetensors";

// part: clip of a chain, else 0.
inline std::string kept_latents_path(const std::string& prefix, int64_t part) {
  return prefix + "." + std::to_string(part) + std::string(kKeptLatents);
}

inline std::string kept_sampling_path(const std::string& prefix) {
  return prefix + std::string(kKeptSampling);
}

}  // namespace genvid
