// The one place that names the tensor type. Headers include only this; a .cpp includes the
// ATen/ops/<op>.h headers of the operators it calls, never torch/torch.h or ATen/ATen.h.
#pragma once

#include <ATen/core/Tensor.h>

namespace genvid {

using at::Tensor;

}  // namespace genvid
