#include "weights/weight_map.h"

#include <utility>

#include "weights/weight_store.h"

namespace genvid {

WeightMap::WeightMap(std::shared_ptr<WeightStore> store, std::string prefix)
    : store_(std::move(store)), prefix_(std::move(prefix)) {}

WeightMap WeightMap::open(const ModelComponent& component, at::Device device,
                          const DtypePolicy& policy, const TensorNames& names) {
  return {std::make_shared<WeightStore>(component, device, policy, names), ""};
}

WeightMap WeightMap::scope(std::string_view name) const {
  return {store_, prefix_ + std::string(name) + "."};
}

WeightMap WeightMap::scope(int64_t index) const { return scope(std::to_string(index)); }

Tensor WeightMap::get(std::string_view name, at::IntArrayRef shape) const {
  return store_->bind(prefix_ + std::string(name), shape);
}

Tensor WeightMap::get_optional(std::string_view name, at::IntArrayRef shape) const {
  return has(name) ? get(name, shape) : Tensor();
}

Tensor WeightMap::get_mapped(std::string_view name, at::IntArrayRef shape) const {
  return store_->bind_mapped(prefix_ + std::string(name), shape);
}

bool WeightMap::has(std::string_view name) const {
  return store_->has(prefix_ + std::string(name));
}

void WeightMap::fill(const std::vector<std::string>& ignored) const { store_->fill(ignored); }

}  // namespace genvid
