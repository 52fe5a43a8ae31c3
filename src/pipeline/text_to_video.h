// Prompt to latents: the whole method on one screen.
#pragma once

#include "diffusion/scheduler.h"
#include "families/family.h"
#include "genvid/clip_spec.h"
#include "pipeline/progress.h"

namespace genvid {

struct PromptPair {
  Tensor prompt;    // [1, S, D]
  Tensor negative;  // [1, S, D], or undefined without guidance
};

// The prompts of a clip in the order of its parts.
struct ClipPrompts {
  std::vector<PromptPair> each;
  std::vector<int64_t> first_part;  // of each, from 0

  ClipPrompts() = default;
  ClipPrompts(PromptPair one) : each{std::move(one)}, first_part{0} {}
  // What holds in a part: window, clip of a chain, or block.
  const PromptPair& of(int64_t part) const;
};

ClipPrompts encode_prompts(const Family& family, const LoadContext& context, const ClipSpec& spec,
                           StageClock& clock);

// The prompts of several clips of context's model and dtype, for encode_prompts() to find.
void encode_ahead(const Family& family, const LoadContext& context,
                  const std::vector<ClipSpec>& clips, StageClock& clock);

// [1, C, T, H, W] of a clip, or of one of a chain.
std::vector<int64_t> latents_shape(const ClipSpec& spec, const Geometry& geometry);

// fp32 [1, C, T, H, W] on the context's device: noise, or the spec's init_latents. clip: index in a
// chain of clips, each of which has noise of its own.
Tensor first_latents(const LoadContext& context, const ClipSpec& spec, const Geometry& geometry,
                     uint64_t clip = 0);

// What spec.image means to the first `latents` latent frames of a clip made in parts; empty without
// a picture.
Conditioning picture_conditioning(const Family& family, const LoadContext& context,
                                  const ClipSpec& spec, int64_t latents, StageClock& clock);

// The one denoiser in memory. Moving to another set of weights frees the first before it loads; the
// last one may stay for the next clip.
class ResidentDenoiser {
 public:
  // clip_latents: as Denoiser::begin_clip() takes it.
  ResidentDenoiser(const Family& family, const LoadContext& context, int64_t clip_latents = 0)
      : family_(family), context_(context), clip_latents_(clip_latents) {}
  ~ResidentDenoiser();
  ResidentDenoiser(const ResidentDenoiser&) = delete;
  ResidentDenoiser& operator=(const ResidentDenoiser&) = delete;

  Denoiser& enter(const Stage& stage);
  std::vector<Stage> stages() const { return family_.stages(*context_.model); }
  const LoadContext& context() const { return context_; }

 private:
  const Family& family_;
  LoadContext context_;
  int64_t clip_latents_;
  std::string component_;
  std::shared_ptr<Denoiser> denoiser_;
};

// Where a run of the loop stands in a clip of several runs, for the progress shown.
struct StepSpan {
  int64_t before = 0;
  int64_t total = 0;  // 0: this run's own
};

// The denoising loop, with the prompt of each window, from where spec.keep says it was left.
// Returns normalised fp32 latents. Throws Error(kNumerical) when a step gives values that are not
// finite. scheduler: another than the spec's.
Tensor denoise(ResidentDenoiser& resident, const ClipSpec& spec, const ClipPrompts& prompts,
               const Conditioning& conditioning, Tensor latents, StageClock& clock,
               StepSpan span = {}, std::unique_ptr<Scheduler> scheduler = nullptr);
Tensor denoise(const Family& family, const LoadContext& context, const ClipSpec& spec,
               const ClipPrompts& prompts, const Conditioning& conditioning, Tensor latents,
               StageClock& clock);

// What says that a window of `latents` begins with so many known frames, and whether it ends with
// one.
Conditioning pinned_frames(const Tensor& latents, int64_t known, bool end, double timestep);
// Known latent frames put over the others, and their own timestep for them.
Tensor pin_latents(const Tensor& latents, const Conditioning& conditioning);
Tensor frame_timesteps(double timestep, int64_t frames, const Conditioning& conditioning,
                       at::Device device);

}  // namespace genvid
