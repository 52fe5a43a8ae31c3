// `models check`: does a checkpoint load, is every value finite, and does each stage give what a
// reference run gave. Reference files come from scripts/parity; its README names the tensors.
#pragma once

#include <vector>

#include "genvid/engine.h"

namespace genvid {

std::vector<CheckLine> check_model(const CheckSpec& spec, Host& host);

}  // namespace genvid
