// The structure of a model folder, told from headers alone: every tensor that the family expects is
// there with its shape and a type that can be loaded, nothing else is, and the tokenizer is sound.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "families/describe.h"

namespace genvid {

struct ComponentSummary {
  std::string name;
  uint64_t tensors = 0;
  uint64_t values = 0;
  uint64_t bytes = 0;
  std::string dtype;  // "F32", or "BF16, F32"
};

// Throws Error(kModel) at the first thing that is wrong.
std::vector<ComponentSummary> check_model(const ModelFolder& model, const Description& family);

}  // namespace genvid
