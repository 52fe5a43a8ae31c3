// Writes tensors as a component's safetensors files and opens them as a WeightMap.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/safetensors.h"
#include "support/temp_dir.h"
#include "weights/weight_map.h"

namespace genvid::test {

using NamedTensors = std::map<std::string, at::Tensor>;

inline DType dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kHalf:
      return DType::kF16;
    case at::kBFloat16:
      return DType::kBF16;
    case at::kDouble:
      return DType::kF64;
    case at::kLong:
      return DType::kI64;
    default:
      return DType::kF32;
  }
}

inline void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors) {
  std::vector<TensorData> data;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_contiguous()) throw std::runtime_error(name + " is not contiguous");
    data.push_back({name,
                    dtype_of(tensor),
                    tensor.sizes().vec(),
                    {static_cast<const uint8_t*>(tensor.data_ptr()), tensor.nbytes()}});
  }
  write_safetensors(path, data, {}, true);
}

// One shard per element of `shards`.
inline ModelComponent component_of(const TempDir& dir, const std::vector<NamedTensors>& shards) {
  ModelComponent component;
  component.name = "net";
  component.dir = dir.path();
  for (size_t i = 0; i < shards.size(); ++i) {
    component.files.push_back(dir / ("shard" + std::to_string(i) + ".safetensors"));
    write_tensors(component.files.back(), shards[i]);
  }
  return component;
}

inline WeightMap weights_of(const TempDir& dir, const NamedTensors& tensors,
                            const DtypePolicy& policy = {}) {
  return WeightMap::open(component_of(dir, {tensors}), at::kCPU, policy);
}

}  // namespace genvid::test
