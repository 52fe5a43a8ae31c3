// What stands behind a WeightMap: the shards of one component, which of their tensors were bound,
// and the parallel read that fills those that are not used in place.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/input_file.h"
#include "core/mapped_file.h"
#include "core/safetensors.h"
#include "weights/weight_map.h"

namespace genvid {

at::ScalarType scalar_type(DType dtype);  // Error(kModel) for fp8
bool is_weight_dtype(DType dtype);        // F16, BF16, F32, F64

class WeightStore {
 public:
  WeightStore(const ModelComponent& component, at::Device device, DtypePolicy policy,
              const TensorNames& names = {});

  bool has(const std::string& name) const { return items_.contains(name); }
  Tensor bind(const std::string& name, at::IntArrayRef shape);
  Tensor bind_mapped(const std::string& name, at::IntArrayRef shape);
  void fill(const std::vector<std::string>& ignored);

 private:
  struct Item {
    TensorEntry entry;
    size_t shard = 0;
    Tensor tensor;         // once bound
    bool pending = false;  // bound, and not yet read
  };
  // A run of elements of one tensor, small enough to stay in cache between reading and casting.
  struct Chunk {
    const Item* item;
    int64_t first;
    int64_t count;
  };

  Item& checked_item(const std::string& name, at::IntArrayRef shape);
  // The bytes of the file as a tensor; undefined when they are not aligned to their element.
  Tensor in_place(const Item& item) const;
  at::ScalarType target_dtype(const Item& item) const;
  void check_unused(const std::vector<std::string>& ignored) const;
  void read(const std::vector<Chunk>& chunks) const;
  void read_chunk(const Chunk& chunk, std::vector<uint8_t>& buffer) const;

  std::string name_;
  std::string dir_;
  at::Device device_;
  DtypePolicy policy_;
  std::vector<std::shared_ptr<MappedFile>> maps_;
  std::vector<std::unique_ptr<InputFile>> files_;
  std::map<std::string, Item> items_;
};

}  // namespace genvid
