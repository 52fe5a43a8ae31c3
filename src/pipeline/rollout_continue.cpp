#include "pipeline/rollout_continue.h"

#include "core/cancel.h"
#include "core/window_plan.h"
#include "genvid/error.h"
#include "pipeline/frame_feeder.h"
#include "pipeline/kept_state.h"
#include "pipeline/past.h"
#include "pipeline/text_to_video.h"

namespace genvid {
namespace {

constexpr double kColorStrength = 0.5;

// [1, 3, 1, H, W] in [-1, 1] to 8-bit RGB.
Image image_of(const Tensor& frame) {
  const Tensor bytes = frame.to(at::kCPU, at::kFloat)
                           .mul(0.5)
                           .add(0.5)
                           .clamp(0.0, 1.0)
                           .mul(255.0)
                           .round()
                           .to(at::kByte)
                           .squeeze(2)
                           .squeeze(0)
                           .permute({1, 2, 0})
                           .contiguous();
  Image out;
  out.height = static_cast<int>(bytes.size(0));
  out.width = static_cast<int>(bytes.size(1));
  const auto* p = static_cast<const uint8_t*>(bytes.const_data_ptr());
  out.pixels.assign(p, p + bytes.numel());
  return out;
}

// Decodes one clip of the chain into the feeder; returns its last frame [1, 3, 1, H, W].
Tensor feed_clip(const Family& family, const LoadContext& context, const Tensor& latents,
                 const Tensor& boundary, FrameFeeder& feeder) {
  const std::unique_ptr<VideoVae> vae = family.load_vae(context);
  const std::unique_ptr<VaeStream> decoder = vae->open_decoder();
  std::optional<ColorMatch> match;
  Tensor last;
  for (int64_t t = 0; t < latents.size(2) && !feeder.complete(); ++t) {
    throw_if_cancelled();
    Tensor frames = decoder->push(latents.narrow(2, t, 1).to(context.device)).to(at::kFloat);
    if (t == 0 && boundary.defined()) {
      match.emplace(frames, boundary);
      continue;  // the boundary frame itself is in the file already
    }
    if (match) frames = (*match)(frames);
    feeder.write(frames);
    last = frames.narrow(2, frames.size(2) - 1, 1).clone();
  }
  return last.defined() ? last : boundary;
}

}  // namespace

ColorMatch::ColorMatch(const Tensor& own_first, const Tensor& boundary) {
  const auto mean = [](const Tensor& x) { return x.to(at::kFloat).mean({2, 3, 4}, true); };
  const auto spread = [&](const Tensor& x) {
    return x.to(at::kFloat).sub(mean(x)).square().mean({2, 3, 4}, true).sqrt().add(1e-3);
  };
  const Tensor full_gain = spread(boundary).div(spread(own_first)).clamp(0.8, 1.25);
  const Tensor full_offset = mean(boundary).sub(mean(own_first).mul(full_gain));
  gain = full_gain.sub(1.0).mul(kColorStrength).add(1.0);
  offset = full_offset.mul(kColorStrength);
}

Tensor ColorMatch::operator()(const Tensor& frames) const {
  return frames.mul(gain).add(offset).clamp(-1.0, 1.0);
}

bool continue_to_sink(const Family& family, const LoadContext& context, const ClipSpec& spec,
                      const FrameSpec& frames, FrameSink& sink, StageClock& clock) {
  const Geometry geometry = family.description->traits(*context.model).geometry;
  const int64_t window = geometry.frames_of(spec.window_latents);
  std::optional<ClipPrompts> prompts;
  FrameFeeder feeder(sink, frames);
  const bool from_frame = !spec.past.empty();
  Tensor boundary = from_frame ? past_frames(spec, 1).to(context.device) : Tensor();
  ClipSpec clip = spec;
  const auto sample = [&] {
    if (!prompts) prompts = encode_prompts(family, context, spec, clock);
    if (boundary.defined()) clip.image = image_of(boundary);
    Conditioning conditioning;
    if (clip.image) conditioning = family.prepare_conditioning(context, clip);
    const Tensor first =
        first_latents(context, clip, geometry, static_cast<uint64_t>(clip.keep.part));
    const Tensor latents =
        denoise(family, context, clip, prompts->of(clip.keep.part), conditioning, first, clock);
    keep_latents(clip, latents);
    return latents;
  };
  clip.keep.part = 0;
  clip.last_image.reset();
  const std::vector<int64_t> clips = chain_frames(spec.frames, window, geometry.temporal_factor,
                                                  from_frame, spec.last_image.has_value());
  for (const int64_t count : clips) {
    clip.model_frames = count;
    if (clip.keep.part + 1 == static_cast<int64_t>(clips.size())) clip.last_image = spec.last_image;
    const auto kept = kept_latents(clip, latents_shape(clip, geometry));
    if (kept) clock.resumed(spec.num_inference_steps);
    const Tensor latents = kept ? *kept : sample();
    clock.start("decode", latents.size(2));
    boundary = feed_clip(family, context, latents, boundary, feeder);
    ++clip.keep.part;
  }
  clock.start("encode", 0);
  sink.finish();
  clock.stop();
  return prompts.has_value();
}

}  // namespace genvid
