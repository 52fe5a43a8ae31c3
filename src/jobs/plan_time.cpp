// A guess of the time that a plan takes; declared in plan.h.
#include "jobs/machine.h"
#include "jobs/plan.h"

namespace genvid {

double estimate_seconds(const Plan& plan) {
  const ClipSpec& spec = plan.spec;
  const bool gpu = spec.device != "cpu";
  // A GPU of the data centre kind; a core's rate comes from its instruction set.
  const auto rate = [&](const std::string& dtype) {
    const int bytes = dtype == "bf16" ? 2 : 4;
    return gpu ? (bytes == 2 ? 3e14 : 3e13) : core_flops(bytes) * spec.threads;
  };
  double seconds = gpu ? 3.0 : 0.5;  // start
  for (const StageCost& c : plan.costs) {
    const double steps = c.stage == "denoise" ? spec.num_inference_steps : 1;
    // The chosen one of several is decoded once more, or sampled too where it keeps no latents.
    const bool twice = plan.candidates > 1 && (c.stage == "decode" || spec.rollout == "causal");
    const double times = c.stage == "text" ? 1 : plan.candidates + (twice ? 1 : 0);
    seconds += times * steps * c.flops / rate(c.stage == "decode" ? spec.vae_dtype : spec.dtype);
    seconds += static_cast<double>(c.weight_bytes) / 2e9;
  }
  return seconds;
}

}  // namespace genvid
