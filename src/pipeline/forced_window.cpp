#include "pipeline/forced_window.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

#include "core/cancel.h"
#include "diffusion/forced_scheduler.h"
#include "diffusion/guidance.h"
#include "genvid/error.h"
#include "pipeline/kept_state.h"
#include "pipeline/memory_ladder.h"

namespace genvid {
namespace {

// Known frames get a little noise, as the network had in training, and are called so noisy.
void disturb(Tensor& input, Tensor& timestep, int64_t known, double level, const Tensor& noise) {
  const double share = level / 1000.0;
  Tensor head = input.narrow(2, 0, known);
  head.copy_(head * (1.0 - share) + noise.to(head.device()) * share);
  timestep.narrow(1, 0, known).fill_(level);
}

}  // namespace

int64_t forced_rows(const ClipSpec& spec, int64_t latents, int64_t known) {
  return forcing_rows(latents / spec.block_latents, spec.num_inference_steps, spec.ar_step,
                      known / spec.block_latents);
}

Tensor denoise_forced(ResidentDenoiser& resident, const ClipSpec& spec, const PromptPair& prompts,
                      const GivenFrames& given, Tensor latents, StageClock& clock, StepSpan span) {
  const int64_t known = given.known;
  const ForcedFrames frames{latents.size(2), spec.block_latents, known};
  ForcedScheduler scheduler(
      plan_forcing(frames.count / frames.block, spec.num_inference_steps, spec.ar_step,
                   known / frames.block),
      frames,
      [&spec] { return make_scheduler(spec.scheduler, spec.num_inference_steps, spec.shift); });
  const LoadContext& context = resident.context();
  Denoiser& denoiser = resident.enter(resident.stages().front());
  std::vector<Tensor> texts{prompts.prompt};
  if (prompts.negative.defined()) texts.push_back(prompts.negative);
  Conditioning limits;
  limits.fps = spec.fps.value();
  limits.causal_block = spec.block_latents;

  const auto row = [&](int64_t r) {
    throw_if_cancelled();
    maybe_run_out_of_memory("denoise");
    Tensor input = latents.clone();
    Tensor timestep = scheduler.frame_timesteps(r);
    if (known > 0 && spec.addnoise_condition > 0) {
      disturb(input, timestep, known, spec.addnoise_condition, given.noise(r));
    }
    if (given.end.defined()) {
      input = at::cat({input, given.end}, 2);
      timestep = at::cat({timestep, at::zeros({1, 1}, timestep.options())}, 1);
    }
    const std::vector<Tensor> predictions =
        denoiser.predict_each(input, timestep.to(context.device), texts, limits);
    Tensor noise_pred = predictions.front();
    if (texts.size() > 1) {
      noise_pred = apply_guidance(noise_pred, predictions.back(), spec.guidance_scale);
    }
    latents = scheduler.step(noise_pred.narrow(2, 0, frames.count), r, latents);
    if (!at::isfinite(latents).all().item<bool>()) {
      throw Error(ErrorKind::kNumerical, "pass " + std::to_string(r + 1) + " of " +
                                             std::to_string(scheduler.rows()) +
                                             " gave values that are not finite");
    }
  };

  clock.start("denoise", std::max(span.total, scheduler.rows()), span.before);
  StepKeeper keeper(spec, context, scheduler.rows());
  const int64_t first = keeper.resume(scheduler, latents);
  clock.resumed(first);
  try {
    for (int64_t r = first; r < scheduler.rows(); ++r) {
      row(r);
      keeper.stepped(r + 1, scheduler, latents);
      clock.advance(span.before + r + 1);
    }
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kCancelled) keeper.interrupted(scheduler);
    throw;
  }
  return latents;
}

}  // namespace genvid
