// Our tensor against the reference's, by the gates of scripts/parity/README.md.
#pragma once

#include <string>

#include "genvid/engine.h"
#include "tensor/tensor.h"

namespace genvid {

// fp32: max |ours - ref| <= gate.
CheckLine compare_max_abs(const std::string& stage, const Tensor& ours, const Tensor& ref,
                          double gate);
// half precision: sqrt(mean((ours - ref)^2) / mean(ref^2)) <= gate.
CheckLine compare_relative_rms(const std::string& stage, const Tensor& ours, const Tensor& ref,
                               double gate);
// Integers: equal everywhere.
CheckLine compare_exact(const std::string& stage, const Tensor& ours, const Tensor& ref);
// 8-bit pictures: no byte off by more than 1, at most 0.2% off at all.
CheckLine compare_bytes(const std::string& stage, const Tensor& ours, const Tensor& ref);

// Our rows brought to the reference's layout: it repeats a row per token where we keep one per
// frame or one in all, and pads prompts. Undefined when the two cannot be matched.
Tensor match_rows(const Tensor& ours, const Tensor& ref);

}  // namespace genvid
