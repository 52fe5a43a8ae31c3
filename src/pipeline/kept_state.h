// Latents and sampling state of a clip on disk (ClipSpec.keep), for whoever goes on with it after a
// crash or a signal. What cannot be written costs a warning, never the clip.
#pragma once

#include <chrono>
#include <optional>

#include "diffusion/scheduler.h"
#include "families/family.h"
#include "genvid/clip_spec.h"

namespace genvid {

// Finished latents of spec.keep.part, when an earlier process kept them.
std::optional<Tensor> kept_latents(const ClipSpec& spec, at::IntArrayRef shape);
// On disk when it returns; then the sampling state is removed.
void keep_latents(const ClipSpec& spec, const Tensor& latents);

// Keeps the state of one sampling loop.
class StepKeeper {
 public:
  // total: steps of the loop.
  StepKeeper(const ClipSpec& spec, const LoadContext& context, int64_t total);

  // Steps that are done already, with latents and scheduler as they were after them.
  int64_t resume(Scheduler& scheduler, Tensor& latents);
  // After each step; writes when it is time to.
  void stepped(int64_t done, const Scheduler& scheduler, const Tensor& latents);
  // A signal came: writes what is not on disk yet.
  void interrupted(const Scheduler& scheduler);

 private:
  using Clock = std::chrono::steady_clock;
  void save(const Scheduler& scheduler);

  KeepSpec keep_;
  std::string made_on_;
  int64_t total_;
  int64_t first_ = 0;  // step of this process
  int64_t done_ = 0;
  int64_t saved_ = 0;
  Tensor latents_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace genvid
