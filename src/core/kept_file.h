// What a clip keeps on disk while it is made: its latents, or the state of its sampler between two
// steps. A safetensors file whose metadata says whose it is and holds a CRC-32C over everything, so
// that one that is cut, damaged or another clip's is told from a good one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/safetensors.h"

namespace genvid {

struct KeptLabel {
  std::string kind;     // "latents" or "sampling"
  std::string key;      // of the clip's pixels
  std::string made_on;  // device, dtype, threads: on what else the bytes depend
  int64_t part = 0;     // clip of a chain
  int64_t step = 0;     // steps done

  bool operator==(const KeptLabel&) const = default;
};

struct KeptFile {
  KeptLabel label;
  std::vector<TensorEntry> tensors;
  std::vector<uint8_t> bytes;  // the whole file, which the tensors' offsets count from

  const TensorEntry* find(std::string_view name) const;
};

// The CRC that these bytes should name, as 8 digits; "" where they are no such file. For tests.
std::string kept_file_crc(std::span<const uint8_t> bytes);

// Throws Error(kOutput) saying what is wrong.
KeptFile parse_kept_file(std::vector<uint8_t> bytes, std::string_view what);

// The file, when it is whole and its label is the expected one (any step; any made_on where that is
// empty). Without a file: nothing. Anything else at the path is ignored with one warning.
std::optional<KeptFile> read_kept_file(const std::filesystem::path& path, const KeptLabel& expected,
                                       uint64_t max_bytes);

// Atomic and on disk when it returns; replaces. Throws Error(kOutput).
void write_kept_file(const std::filesystem::path& path, const KeptLabel& label,
                     const std::vector<TensorData>& tensors);

}  // namespace genvid
