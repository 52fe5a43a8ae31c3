// `models check`: does a checkpoint load, is every value finite, and does each stage give what a
// reference run gave. Reference files come from scripts/parity; its README names the tensors.
#pragma once

#include <string>
#include <vector>

#include "core/model_folder.h"
#include "families/describe.h"
#include "genvid/engine.h"

namespace genvid {

std::vector<CheckLine> check_model(const CheckSpec& spec, Host& host);

// The first weight with a value that is not finite, as "component: 'name' holds ..."; empty when
// all are. Reads every weight.
std::string find_non_finite(const ModelFolder& model, const Description& description);

}  // namespace genvid
