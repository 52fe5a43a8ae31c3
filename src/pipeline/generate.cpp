#include "pipeline/generate.h"

#include "core/log.h"
#include "families/family.h"
#include "genvid/error.h"
#include "pipeline/check.h"
#include "pipeline/decode.h"
#include "pipeline/kept_state.h"
#include "pipeline/memory_ladder.h"
#include "pipeline/rescue.h"
#include "pipeline/rollout_causal.h"
#include "pipeline/rollout_continue.h"
#include "pipeline/rollout_extend.h"
#include "pipeline/runtime.h"
#include "pipeline/text_to_video.h"
#include "weights/tensor_file.h"

namespace genvid {
namespace {

FrameSpec frame_spec(const ClipSpec& spec) {
  FrameSpec out;
  out.width = spec.size.width;
  out.height = spec.size.height;
  out.fps = spec.fps;
  out.frames = spec.frames;
  out.loops = spec.closes || spec.rollout == "loop";
  return out;
}

// Prompt, image and denoising; everything that a non-finite value sends through fp32 again.
Tensor make_latents(const Family& family, const LoadContext& context, const ClipSpec& spec,
                    StageClock& clock, bool encoder_on_host) {
  LoadContext for_text = context;
  if (encoder_on_host) for_text.device = at::kCPU;
  const ClipPrompts prompts = encode_prompts(family, for_text, spec, clock);
  Conditioning conditioning;
  if (spec.image || spec.last_image) {
    clock.start("image", 0);
    conditioning = family.prepare_conditioning(context, spec);
  }
  const Geometry geometry = family.description->traits(*context.model).geometry;
  return denoise(family, context, spec, prompts, conditioning,
                 first_latents(context, spec, geometry), clock);
}

Tensor make_latents_or_retry(const Family& family, LoadContext& context, const ClipSpec& spec,
                             StageClock& clock, MemoryLadder& ladder, ClipResult& result) {
  const auto make = [&] {
    Tensor latents;
    ladder.run(MemoryLadder::Stage::kSampling, [&] {
      latents = make_latents(family, context, spec, clock, ladder.encoder_on_host());
    });
    return latents;
  };
  try {
    return make();
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kNumerical || context.dtype == at::kFloat) throw;
    log::warn(std::string(e.what()) + "; trying once more in fp32");
    context.dtype = at::kFloat;
    result.fp32_retry = true;
    return make();
  }
}

void finish(const LoadContext& context, const StageClock& clock, const MemoryLadder& ladder,
            ClipResult& result) {
  result.memory_rung = ladder.taken();
  result.times = clock.times();
  result.resumed_steps = clock.resumed_steps();
  result.peak_device_bytes = finish_device(context);
}

ClipResult run_clip(const ClipSpec& spec, FrameSink& sink, Host& host) {
  const ModelFolder model = ModelFolder::open(spec.model_dir);
  const Family& family = find_family(model);
  LoadContext context = load_context(model, spec.device, spec.dtype, spec.vae_dtype, spec.threads);
  ClipResult result;
  StageClock clock(host);
  MemoryLadder ladder(context);
  if (spec.rollout == "continue") {
    result.frames = spec.frames;
    result.sampled = continue_to_sink(family, context, spec, frame_spec(spec), sink, clock);
    finish(context, clock, ladder, result);
    return result;
  }

  if (spec.rollout == "extend" || spec.rollout == "diffusion-forcing") {
    result.frames = spec.frames;
    const Extended made = extend_to_sink(family, context, spec, frame_spec(spec), sink, clock);
    result.sampled = made.sampled;
    result.fp32_retry = made.fp32_retry;
    finish(context, clock, ladder, result);
    return result;
  }

  if (spec.rollout == "causal") {
    result.frames = spec.frames;
    result.fp32_retry = causal_to_sink(family, context, spec, frame_spec(spec), sink, clock);
    finish(context, clock, ladder, result);
    return result;
  }

  Tensor latents;
  const Geometry geometry = family.description->traits(model).geometry;
  if (const auto kept = kept_latents(spec, latents_shape(spec, geometry))) {
    latents = *kept;
    result.sampled = false;
  } else {
    latents = make_latents_or_retry(family, context, spec, clock, ladder, result);
    keep_latents(spec, latents);
  }
  LatentsStart start;
  start.loop = spec.rollout == "loop";
  if (!spec.save_latents.empty()) write_latents(spec.save_latents, latents, true, start);
  result.frames = spec.frames;
  try {
    const bool retried =
        decode_to_sink(family, context, latents, start, frame_spec(spec), sink, clock, ladder);
    result.fp32_retry = result.fp32_retry || retried;
  } catch (const Error& e) {
    rethrow_with_rescue(e, spec, latents, start);
  }
  finish(context, clock, ladder, result);
  return result;
}

}  // namespace

void encode_clips(const std::vector<ClipSpec>& clips, Host& host) {
  if (clips.empty()) return;
  const ClipSpec& first = clips.front();
  const ModelFolder model = ModelFolder::open(first.model_dir);
  const LoadContext context =
      load_context(model, first.device, first.dtype, first.vae_dtype, first.threads);
  std::vector<ClipSpec> alike;
  for (const ClipSpec& clip : clips) {
    if (clip.model_dir == first.model_dir && clip.device == first.device &&
        clip.dtype == first.dtype) {
      alike.push_back(clip);
    }
  }
  StageClock clock(host);
  encode_ahead(find_family(model), context, alike, clock);
}

// Values that are not finite are the weights' fault more often than the arithmetic's; then say
// which.
ClipResult generate_clip(const ClipSpec& spec, FrameSink& sink, Host& host) {
  try {
    return run_clip(spec, sink, host);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kNumerical) throw;
    const ModelFolder model = ModelFolder::open(spec.model_dir);
    const std::string weight = find_non_finite(model, *find_family(model).description);
    if (weight.empty()) throw;
    throw Error(ErrorKind::kModel, spec.model_dir + "/" + weight + " (" + e.what() +
                                       "); the file is damaged, get it again");
  }
}

std::optional<std::vector<NamedAttribute>> read_clip_prompt(const ClipSpec& spec) {
  const ModelFolder model = ModelFolder::open(spec.model_dir);
  const Family& family = find_family(model);
  // Loading a large text encoder for nothing would cost minutes.
  if (family.description->vocabulary == nullptr) return std::nullopt;
  const LoadContext context = load_context(model, "cpu", spec.dtype, spec.vae_dtype, spec.threads);
  return family.load_text_encoder(context)->attributes(spec.prompt);
}

ClipResult decode_clip(const DecodeSpec& spec, FrameSink& sink, Host& host) {
  const ModelFolder model = ModelFolder::open(spec.model_dir);
  const Family& family = find_family(model);
  const LoadContext context =
      load_context(model, spec.device, "fp32", spec.vae_dtype, spec.threads);
  const Geometry g = family.description->traits(model).geometry;
  const LatentsStart start = latents_start(spec.latents);
  const Tensor latents = read_latents(spec.latents);
  if (latents.size(1) != g.latent_channels) {
    throw Error(ErrorKind::kUsage, spec.latents + " has " + std::to_string(latents.size(1)) +
                                       " channels; this model's latents have " +
                                       std::to_string(g.latent_channels));
  }
  const Size full{static_cast<int>(latents.size(4)) * g.spatial_factor,
                  static_cast<int>(latents.size(3)) * g.spatial_factor};
  const int64_t full_frames =
      frames_of_latents(start, latents.size(2), g.first_frames, g.temporal_factor);
  FrameSpec frames;
  const Size size = spec.size.value_or(full);
  frames.width = size.width;
  frames.height = size.height;
  frames.fps = spec.fps;
  frames.frames = spec.frames.value_or(full_frames);
  frames.loops = start.loop && frames.frames == full_frames;
  if (size.width > full.width || size.height > full.height || frames.frames > full_frames) {
    throw Error(ErrorKind::kUsage, spec.latents + " gives " + std::to_string(full_frames) +
                                       " frames of " + std::to_string(full.width) + "x" +
                                       std::to_string(full.height) + "; ask for no more than that");
  }
  StageClock clock(host);
  ClipResult result;
  MemoryLadder ladder(context);
  result.fp32_retry = decode_to_sink(family, context, latents, start, frames, sink, clock, ladder);
  result.frames = frames.frames;
  finish(context, clock, ladder, result);
  return result;
}

}  // namespace genvid
