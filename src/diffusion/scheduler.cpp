#include "diffusion/scheduler.h"

#include "genvid/error.h"

namespace genvid {

void Scheduler::restore(int64_t, const State& state) {
  if (!state.empty()) throw Error(ErrorKind::kOutput, "not the state of this sampler");
}

std::unique_ptr<Scheduler> make_scheduler(const std::string& name, int num_inference_steps,
                                          double shift) {
  if (name == "unipc") return make_unipc(num_inference_steps, shift);
  if (name == "euler") return make_flow_match_euler(num_inference_steps, shift);
  if (name == "euler-even") return make_even_euler(num_inference_steps, shift);
  throw Error(ErrorKind::kUsage,
              "unknown scheduler '" + name + "'; use unipc, euler or euler-even");
}

}  // namespace genvid
