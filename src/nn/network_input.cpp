#include "nn/network_input.h"

#include <ATen/TensorOperators.h>

#include <sstream>

#include "genvid/error.h"

namespace genvid {

std::string shape_text(const Tensor& x) {
  std::ostringstream out;
  out << x.sizes();
  return out.str();
}

void check_timestep(const Tensor& timestep, int64_t latent_frames) {
  if (timestep.dim() == 2 && timestep.size(0) == 1 && timestep.size(1) == latent_frames) return;
  throw Error(ErrorKind::kUsage, "the transformer got timesteps " + shape_text(timestep) +
                                     ", expected one per latent frame: [1, " +
                                     std::to_string(latent_frames) + "]");
}

Tensor distinct_timesteps(const Tensor& timestep, at::Device device) {
  const Tensor t = timestep.to(at::kCPU, at::kFloat).view({-1});
  const bool same = (t == t[0]).all().item<bool>();
  return (same ? t.narrow(0, 0, 1) : t).to(device);
}

}  // namespace genvid
