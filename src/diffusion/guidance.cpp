#include "diffusion/guidance.h"

#include <ATen/ops/add.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>

namespace genvid {

Tensor apply_guidance(const Tensor& cond, const Tensor& uncond, double guidance_scale) {
  return at::add(uncond, at::mul(at::sub(cond, uncond), guidance_scale));
}

}  // namespace genvid
