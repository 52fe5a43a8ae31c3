// Reading and writing safetensors files: https://github.com/huggingface/safetensors (README,
// "Format"). Stricter than the reference (safetensors.cpp lists how). Headers only; no tensor data
// is read here, so that every check runs without torch and can be fuzzed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genvid {

enum class DType { kBool, kU8, kI8, kI16, kI32, kI64, kF16, kBF16, kF32, kF64, kF8E4M3, kF8E5M2 };

size_t dtype_bytes(DType dtype);
std::string_view dtype_name(DType dtype);  // "F32", "BF16", ...

struct TensorEntry {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  // from the start of the file
  uint64_t bytes = 0;
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  // sorted by offset
  std::map<std::string, std::string> metadata;
};

// head: at least the first 8 + N bytes of the file, N being the header length that it states.
// Throws Error(kModel) with `what` in the message.
SafetensorsHeader parse_safetensors_header(std::span<const uint8_t> head, uint64_t file_bytes,
                                           std::string_view what);
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

struct TensorData {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const uint8_t> bytes;
};

// Writes atomically (part file, fsync, rename). Throws Error(kOutput).
void write_safetensors(const std::filesystem::path& path, const std::vector<TensorData>& tensors,
                       const std::map<std::string, std::string>& metadata, bool overwrite);

}  // namespace genvid
