// Builds a component's list of expected tensors.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "families/describe.h"

namespace genvid {

class TensorList {
 public:
  using Shape = std::vector<int64_t>;

  TensorList(std::vector<ExpectedTensor>& out, std::string component)
      : out_(out), component_(std::move(component)) {}

  void add(const std::string& name, Shape shape) {
    out_.push_back({component_, name, std::move(shape)});
  }
  void optional(const std::string& name, Shape shape) {
    out_.push_back({component_, name, std::move(shape), false});
  }
  // A layer with bias: linear or convolution.
  void layer(const std::string& name, Shape shape) {
    const int64_t out = shape.front();
    add(name + ".weight", std::move(shape));
    add(name + ".bias", {out});
  }
  void norm(const std::string& name, int64_t width) {
    add(name + ".weight", {width});
    add(name + ".bias", {width});
  }

 private:
  std::vector<ExpectedTensor>& out_;
  std::string component_;
};

}  // namespace genvid
