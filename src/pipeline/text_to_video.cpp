#include "pipeline/text_to_video.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <set>
#include <utility>

#include "core/cancel.h"
#include "diffusion/guidance.h"
#include "diffusion/noise.h"
#include "diffusion/scheduler.h"
#include "genvid/error.h"
#include "pipeline/between_clips.h"
#include "pipeline/kept_state.h"
#include "pipeline/memory_ladder.h"
#include "pipeline/windows.h"
#include "tensor/device.h"
#include "weights/tensor_file.h"

namespace genvid {
namespace {

const Stage& stage_of(const std::vector<Stage>& stages, double timestep) {
  for (const Stage& s : stages) {
    if (timestep >= s.t_low && timestep < s.t_high) return s;
  }
  throw Error(ErrorKind::kModel,
              "no transformer of the model serves timestep " + std::to_string(timestep));
}

WindowPlan clip_windows(const ClipSpec& spec, int64_t latent_frames, int64_t step = 0) {
  if (spec.rollout == "loop")
    return plan_ring(latent_frames, spec.window_latents, spec.overlap_latents, step);
  if (spec.rollout != "overlap") return plan_windows(latent_frames, latent_frames, 0);
  return plan_windows(latent_frames, spec.window_latents, spec.overlap_latents);
}

// Entries start.. of a dimension, going on at its beginning.
Tensor around(const Tensor& x, int64_t dim, int64_t start, int64_t count) {
  const int64_t here = std::min(count, x.size(dim) - start);
  if (here == count) return x.narrow(dim, start, count);
  return at::cat({x.narrow(dim, start, here), x.narrow(dim, 0, count - here)}, dim);
}

void add_around(Tensor& sum, const Tensor& part, int64_t start) {
  const int64_t count = part.size(2), here = std::min(count, sum.size(2) - start);
  sum.narrow(2, start, here).add_(part.narrow(2, 0, here));
  if (here < count) sum.narrow(2, 0, count - here).add_(part.narrow(2, here, count - here));
}

std::vector<Tensor> texts_of(const ClipPrompts& prompts, int64_t part) {
  const PromptPair& pair = prompts.of(part);
  if (!pair.negative.defined()) return {pair.prompt};
  return {pair.prompt, pair.negative};
}

// The whole clip's predictions, one per prompt: one call, or overlapping windows blended in fp32.
std::vector<Tensor> predict_clip(Denoiser& denoiser, const WindowPlan& plan, const Tensor& latents,
                                 const Tensor& timestep, const ClipPrompts& prompts,
                                 const Conditioning& conditioning) {
  if (plan.starts.size() == 1 && !plan.ring) {
    return denoiser.predict_each(latents, timestep, texts_of(prompts, 0), conditioning);
  }
  std::vector<Tensor> sums;
  for (size_t p = 0; p < texts_of(prompts, 0).size(); ++p) sums.push_back(at::zeros_like(latents));
  Tensor weight = at::zeros({1, 1, plan.frames, 1, 1}, latents.options());
  for (size_t i = 0; i < plan.starts.size(); ++i) {
    const int64_t start = plan.starts[i];
    Conditioning part = conditioning;
    if (part.concat_latents.defined()) {
      part.concat_latents = around(part.concat_latents, 2, start, plan.window);
    }
    const Tensor w = window_weights(plan, i).view({1, 1, -1, 1, 1}).to(latents.device());
    const std::vector<Tensor> predictions = denoiser.predict_each(
        around(latents, 2, start, plan.window), around(timestep, 1, start, plan.window),
        texts_of(prompts, static_cast<int64_t>(i)), part);
    for (size_t p = 0; p < predictions.size(); ++p) {
      add_around(sums[p], predictions[p].to(at::kFloat).mul(w), start);
    }
    add_around(weight, w, start);
  }
  for (Tensor& sum : sums) sum.div_(weight);
  return sums;
}

bool takes_negative(const ClipSpec& spec) {
  return guidance_enabled(spec.guidance_scale) ||
         (spec.rollout == "extend" && guidance_enabled(spec.guidance_scale_2));
}

Tensor encode_finite(TextEncoder& encoder, const std::string& text) {
  const Tensor embeds = encoder.encode(text);
  if (!at::isfinite(embeds).all().item<bool>()) {
    throw Error(ErrorKind::kNumerical, "the text encoder gave values that are not finite");
  }
  return embeds;
}

}  // namespace

const PromptPair& ClipPrompts::of(int64_t part) const {
  size_t i = each.size() - 1;
  while (i > 0 && first_part[i] > part) --i;
  return each[i];
}

ClipPrompts encode_prompts(const Family& family, const LoadContext& context, const ClipSpec& spec,
                           StageClock& clock) {
  clock.start("text", 0);
  std::unique_ptr<TextEncoder> encoder;
  const auto encode = [&](const std::string& text) {
    const Tensor ahead = between_clips().prompt(context, text);
    if (ahead.defined()) return ahead;
    maybe_run_out_of_memory("text");
    if (!encoder) encoder = family.load_text_encoder(context);
    return encode_finite(*encoder, text);
  };
  PromptPair first;
  first.prompt = encode(spec.prompt);
  if (takes_negative(spec)) first.negative = encode(spec.negative_prompt);
  ClipPrompts out(first);
  for (const PromptChange& change : spec.prompt_changes) {
    out.each.push_back({encode(change.prompt), first.negative});
    out.first_part.push_back(change.part);
  }
  return out;
}

void encode_ahead(const Family& family, const LoadContext& context,
                  const std::vector<ClipSpec>& clips, StageClock& clock) {
  std::set<std::string> texts;
  for (const ClipSpec& clip : clips) {
    texts.insert(clip.prompt);
    for (const PromptChange& change : clip.prompt_changes) texts.insert(change.prompt);
    if (takes_negative(clip)) texts.insert(clip.negative_prompt);
  }
  clock.start("text", static_cast<int64_t>(texts.size()));
  between_clips().clear_prompts();
  const std::unique_ptr<TextEncoder> encoder = family.load_text_encoder(context);
  int64_t done = 0;
  for (const std::string& text : texts) {
    throw_if_cancelled();
    between_clips().put_prompt(context, text, encode_finite(*encoder, text));
    clock.advance(++done);
  }
  clock.stop();
}

std::vector<int64_t> latents_shape(const ClipSpec& spec, const Geometry& g) {
  return {1, g.latent_channels, g.latents_of(spec.model_frames),
          spec.model_size.height / g.spatial_factor, spec.model_size.width / g.spatial_factor};
}

Conditioning picture_conditioning(const Family& family, const LoadContext& context,
                                  const ClipSpec& spec, int64_t latents, StageClock& clock) {
  if (!spec.image) return {};
  clock.start("image", 0);
  ClipSpec part = spec;
  part.model_frames = family.description->traits(*context.model).geometry.frames_of(latents);
  return family.prepare_conditioning(context, part);
}

Tensor first_latents(const LoadContext& context, const ClipSpec& spec, const Geometry& g,
                     uint64_t clip) {
  const std::vector<int64_t> shape = latents_shape(spec, g);
  Tensor latents;
  if (spec.init_latents.empty() || clip > 0) {
    latents = initial_noise(spec.noise, spec.seed, shape, clip);
    if (spec.rollout == "overlap" || spec.rollout == "loop") {
      share_noise(latents, clip_windows(spec, latents.size(2)), spec.seed);
    }
  } else {
    latents = read_latents(spec.init_latents);
    if (latents.sizes() != at::IntArrayRef(shape)) {
      std::string expected, got;
      for (const int64_t d : shape) expected += " " + std::to_string(d);
      for (const int64_t d : latents.sizes()) got += " " + std::to_string(d);
      throw Error(ErrorKind::kUsage, spec.init_latents + " has shape" + got + "; this clip needs" +
                                         expected + " (size, frames and model decide)");
    }
  }
  return latents.to(context.device);
}

Conditioning pinned_frames(const Tensor& latents, int64_t known, bool end, double timestep) {
  Conditioning out;
  out.pinned_latents = latents;
  out.pinned.assign(static_cast<size_t>(latents.size(2)), false);
  std::fill_n(out.pinned.begin(), known, true);
  if (end) out.pinned.back() = true;
  out.pinned_timestep = timestep;
  return out;
}

Tensor pin_latents(const Tensor& latents, const Conditioning& conditioning) {
  if (!conditioning.pinned_latents.defined()) return latents;
  Tensor out = latents.clone();
  for (size_t t = 0; t < conditioning.pinned.size(); ++t) {
    if (!conditioning.pinned[t]) continue;
    const auto i = static_cast<int64_t>(t);
    out.select(2, i).copy_(conditioning.pinned_latents.select(2, i));
  }
  return out;
}

Tensor frame_timesteps(double timestep, int64_t frames, const Conditioning& conditioning,
                       at::Device device) {
  Tensor out = at::full({1, frames}, timestep, at::TensorOptions(at::kFloat));
  if (conditioning.pinned_latents.defined()) {
    for (size_t t = 0; t < conditioning.pinned.size(); ++t) {
      if (conditioning.pinned[t])
        out.select(1, static_cast<int64_t>(t)).fill_(conditioning.pinned_timestep);
    }
  }
  return out.to(device);
}

ResidentDenoiser::~ResidentDenoiser() {
  if (denoiser_) between_clips().put_denoiser(context_, component_, std::move(denoiser_));
}

Denoiser& ResidentDenoiser::enter(const Stage& stage) {
  if (component_ != stage.component) {
    denoiser_.reset();
    empty_device_cache(context_.device);
    denoiser_ = between_clips().denoiser(context_, stage.component);
    if (!denoiser_) denoiser_ = family_.load_denoiser(context_, stage.component);
    denoiser_->begin_clip(clip_latents_);
    component_ = stage.component;
  }
  return *denoiser_;
}

Tensor denoise(ResidentDenoiser& resident, const ClipSpec& spec, const ClipPrompts& prompts,
               const Conditioning& conditioning, Tensor latents, StageClock& clock, StepSpan span,
               std::unique_ptr<Scheduler> scheduler) {
  if (!scheduler) scheduler = make_scheduler(spec.scheduler, spec.num_inference_steps, spec.shift);
  const auto steps = static_cast<int64_t>(scheduler->timesteps().size());
  const std::vector<Stage> stages = resident.stages();
  const LoadContext& context = resident.context();
  Conditioning known = conditioning;
  known.fps = spec.fps.value();
  const bool guided = prompts.each.front().negative.defined();

  const auto step = [&](int64_t i) {
    throw_if_cancelled();
    const double t = scheduler->timesteps()[i];
    const Stage& stage = stage_of(stages, t);
    Denoiser& denoiser = resident.enter(stage);

    maybe_run_out_of_memory("denoise");
    const Tensor input = pin_latents(latents, conditioning);
    const Tensor timestep = frame_timesteps(t, latents.size(2), conditioning, context.device);
    const WindowPlan plan = clip_windows(spec, latents.size(2), i);
    const std::vector<Tensor> predictions =
        predict_clip(denoiser, plan, input, timestep, prompts, known);
    Tensor noise_pred = predictions.front();
    if (guided) {
      const double scale = stage.second_guidance ? spec.guidance_scale_2 : spec.guidance_scale;
      noise_pred = apply_guidance(noise_pred, predictions.back(), scale);
    }
    latents = scheduler->step(noise_pred, i, latents);

    if (!at::isfinite(latents).all().item<bool>()) {
      throw Error(ErrorKind::kNumerical, "step " + std::to_string(i + 1) + " of " +
                                             std::to_string(steps) +
                                             " gave values that are not finite");
    }
  };

  clock.start("denoise", std::max<int64_t>(span.total, steps), span.before);
  StepKeeper keeper(spec, context, steps);
  const int64_t first = keeper.resume(*scheduler, latents);
  clock.resumed(first);
  try {
    for (int64_t i = first; i < steps; ++i) {
      step(i);
      keeper.stepped(i + 1, *scheduler, latents);
      clock.advance(span.before + i + 1);
    }
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kCancelled) keeper.interrupted(*scheduler);
    throw;
  }
  return pin_latents(latents, conditioning).to(at::kFloat);
}

Tensor denoise(const Family& family, const LoadContext& context, const ClipSpec& spec,
               const ClipPrompts& prompts, const Conditioning& conditioning, Tensor latents,
               StageClock& clock) {
  ResidentDenoiser resident(family, context);
  return denoise(resident, spec, prompts, conditioning, std::move(latents), clock);
}

}  // namespace genvid
