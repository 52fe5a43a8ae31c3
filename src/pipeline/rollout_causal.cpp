#include "pipeline/rollout_causal.h"

#include <ATen/ops/isfinite.h>

#include <algorithm>

#include "core/cancel.h"
#include "core/log.h"
#include "diffusion/guidance.h"
#include "diffusion/scheduler.h"
#include "genvid/error.h"
#include "pipeline/clip_delivery.h"
#include "pipeline/clip_noise.h"
#include "pipeline/past.h"
#include "pipeline/text_to_video.h"

namespace genvid {
namespace {

int64_t blocks_of(const ClipSpec& spec, const Geometry& geometry) {
  return (latents_to_make(spec, geometry) + spec.block_latents - 1) / spec.block_latents;
}

class Rollout {
 public:
  Rollout(const Family& family, const LoadContext& context, const ClipSpec& spec,
          ClipDelivery& delivery, StageClock& clock)
      : family_(family),
        context_(context),
        spec_(spec),
        geometry_(family.description->traits(*context.model).geometry),
        blocks_(blocks_of(spec, geometry_)),
        noise_(spec, geometry_, blocks_ * spec.block_latents),
        delivery_(delivery),
        clock_(clock) {}

  void run() {
    const ClipPrompts prompts = encode_prompts(family_, context_, spec_, clock_);
    known_ = picture_conditioning(family_, context_, spec_, spec_.block_latents, clock_);
    open(prompts.of(0));
    if (!spec_.past.empty()) take_past();
    for (int64_t block = 0; block < blocks_; ++block) {
      const PromptPair& now = prompts.of(block);
      if (cut_at(block)) cut();
      if (block > 0 && &now != &prompts.of(block - 1)) stream_->change_prompt(now.prompt);
      const Tensor made = sample(block);
      if (block + 1 < blocks_) commit(made);
      delivery_.push(made);
    }
  }

 private:
  void open(const PromptPair& prompts) {
    clock_.start("load", 0);
    denoiser_ = family_.load_denoiser(context_, family_.stages(*context_.model).front().component);
    CausalRollout rollout;
    rollout.block = spec_.block_latents;
    rollout.window = spec_.window_latents;
    rollout.sink = spec_.sink_latents;
    rollout.recache = spec_.recache;
    rollout.cut = SceneCut{spec_.cut_offset, ""};
    stream_ = denoiser_->open_stream(rollout, prompts.prompt);
    if (prompts.negative.defined()) {
      negative_stream_ = denoiser_->open_stream(rollout, prompts.negative);
    }
  }

  // The end of the earlier video is remembered as if it had been made here, and the decoder goes on
  // from it; those frames are in the file already.
  void take_past() {
    clock_.start("image", 0);
    const int64_t n = spec_.block_latents;
    int64_t blocks = spec_.window_latents / n - 1;
    const auto have = static_cast<int64_t>(spec_.past.size());
    while (blocks > 1 && geometry_.frames_of(blocks * n) > have) --blocks;
    const Tensor latents = delivery_.take_past(blocks * n);
    for (int64_t b = 0; b < blocks; ++b) commit(latents.narrow(2, b * n, n));
  }

  // A block's own: samplers remember earlier steps.
  std::unique_ptr<Scheduler> block_scheduler(int64_t first) const {
    if (spec_.scheduler == "renoise") {
      return make_renoising(spec_.timesteps, [this, first](int64_t step) {
        return noise_.after_step(step, first, spec_.block_latents);
      });
    }
    if (!spec_.timesteps.empty()) return make_unipc(spec_.timesteps);
    return make_scheduler(spec_.scheduler, spec_.num_inference_steps, spec_.shift);
  }

  Tensor sample(int64_t block) {
    const int64_t n = spec_.block_latents, steps = spec_.num_inference_steps;
    const auto scheduler = block_scheduler(block * n);
    const Conditioning known = block == 0 ? known_ : Conditioning{};
    Tensor latents = noise_.initial(block * n, n).to(context_.device);
    clock_.start("denoise", blocks_ * steps);
    for (int64_t i = 0; i < steps; ++i) {
      throw_if_cancelled();
      const Tensor input = pin_latents(latents, known);
      const Tensor timestep = frame_timesteps(scheduler->timesteps()[i], n, known, context_.device);
      Tensor noise_pred = stream_->predict(input, timestep);
      if (negative_stream_) {
        noise_pred = apply_guidance(noise_pred, negative_stream_->predict(input, timestep),
                                    spec_.guidance_scale);
      }
      latents = scheduler->step(noise_pred, i, latents);
      if (!at::isfinite(latents).all().item<bool>()) {
        throw Error(ErrorKind::kNumerical,
                    "step " + std::to_string(i + 1) + " of block " + std::to_string(block + 1) +
                        " of " + std::to_string(blocks_) + " gave values that are not finite");
      }
      clock_.advance(block * steps + i + 1);
    }
    return pin_latents(latents, known).to(at::kFloat);
  }

  bool cut_at(int64_t block) const {
    return std::any_of(spec_.prompt_changes.begin(), spec_.prompt_changes.end(),
                       [&](const PromptChange& c) { return c.cut && c.part == block; });
  }

  void cut() {
    stream_->cut();
    if (negative_stream_) negative_stream_->cut();
  }

  void commit(const Tensor& latents) {
    stream_->commit(latents);
    if (negative_stream_) negative_stream_->commit(latents);
  }

  const Family& family_;
  const LoadContext& context_;
  const ClipSpec& spec_;
  const Geometry geometry_;
  const int64_t blocks_;
  const ClipNoise noise_;
  ClipDelivery& delivery_;
  StageClock& clock_;
  Conditioning known_;
  std::unique_ptr<Denoiser> denoiser_;
  std::unique_ptr<CausalStream> stream_, negative_stream_;
};

}  // namespace

bool causal_to_sink(const Family& family, const LoadContext& context, const ClipSpec& spec,
                    const FrameSpec& frames, FrameSink& sink, StageClock& clock) {
  const int64_t latents =
      family.description->traits(*context.model).geometry.latents_of(spec.frames);
  const auto make = [&](const LoadContext& with, ClipDelivery& delivery) {
    Rollout(family, with, spec, delivery, clock).run();
    delivery.finish();
  };
  ClipDelivery delivery(family, context, spec, frames, sink, clock, latents);
  try {
    make(context, delivery);
    return false;
  } catch (const Error& e) {
    const bool whole = context.dtype == at::kFloat && context.vae_dtype == at::kFloat;
    if (e.kind() != ErrorKind::kNumerical || whole || delivery.begun()) throw;
    log::warn(std::string(e.what()) + "; trying once more in fp32");
  }
  LoadContext wide = context;
  wide.dtype = wide.vae_dtype = at::kFloat;
  ClipDelivery again(family, wide, spec, frames, sink, clock, latents);
  make(wide, again);
  return true;
}

}  // namespace genvid
