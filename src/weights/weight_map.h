// Named, shape-checked weights of one component. Networks bind each tensor once, by name and
// shape; then one pass fills what was bound. A CPU tensor of the right dtype is used in place from
// the mapped file; everything else is allocated at bind time on its final device and dtype.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/model_folder.h"
#include "tensor/tensor.h"

namespace genvid {

// dtype of a floating-point weight: fp32 when a dot-separated part of its name is in keep_fp32,
// else compute.
struct DtypePolicy {
  at::ScalarType compute = at::kFloat;
  std::vector<std::string> keep_fp32;
};

// From a tensor's name in the file to that by which it is bound; none: they are the same.
using TensorNames = std::function<std::string(const std::string&)>;

class WeightStore;

// A view of the store below a name prefix; cheap to copy.
class WeightMap {
 public:
  // Parses the headers of all shards; reads no data. Throws Error(kModel).
  static WeightMap open(const ModelComponent& component, at::Device device,
                        const DtypePolicy& policy, const TensorNames& names = {});

  WeightMap scope(std::string_view name) const;  // appends "name."
  WeightMap scope(int64_t index) const;

  // Binds. Throws Error(kModel): missing weight '...'; has shape [...], expected [...].
  Tensor get(std::string_view name, at::IntArrayRef shape) const;
  // Undefined when the checkpoint has no such tensor.
  Tensor get_optional(std::string_view name, at::IntArrayRef shape) const;
  // On the CPU in the file's own dtype, mapped in place: for tables of which few rows are read.
  Tensor get_mapped(std::string_view name, at::IntArrayRef shape) const;
  bool has(std::string_view name) const;

  // Reads all bound tensors that are not used in place, in parallel, and casts them.
  // Throws Error(kModel) when tensors that nothing bound remain, naming the first ten, unless
  // their name starts with one of `ignored`.
  void fill(const std::vector<std::string>& ignored = {}) const;

 private:
  WeightMap(std::shared_ptr<WeightStore> store, std::string prefix);
  std::shared_ptr<WeightStore> store_;
  std::string prefix_;
};

}  // namespace genvid
