// Classifier-free guidance (Ho & Salimans 2022).
#pragma once

#include "tensor/tensor.h"

namespace genvid {

inline bool guidance_enabled(double guidance_scale) { return guidance_scale > 1.0; }

// uncond + guidance_scale * (cond - uncond), in the dtype of the predictions.
Tensor apply_guidance(const Tensor& cond, const Tensor& uncond, double guidance_scale);

}  // namespace genvid
