#include "families/wan/image_conditioning.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/cancel.h"
#include "core/image_resize.h"
#include "families/wan/clip.h"
#include "families/wan/clip_preprocess.h"
#include "families/wan/config.h"
#include "families/wan/vae.h"
#include "tensor/tap.h"

namespace genvid::wan {
namespace {

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kUsage, message); }

void check_images(const ModelConfig& config, const ClipSpec& spec) {
  if (!spec.image) refuse("this model needs an image; give --image");
  if (!config.concat_condition() && !config.pins_frames()) {
    refuse("this model takes no image; drop --image or choose an image-to-video model");
  }
  const bool takes_last =
      config.concat_condition() && !config.expand_timesteps &&
      (config.transformer.image_dim == 0 || config.transformer.pos_embed_seq_len > 0);
  if (spec.last_image && !takes_last) refuse("this model takes no last image; drop --last-image");
  if (config.transformer.pos_embed_seq_len > 0 && !spec.last_image) {
    refuse("this model needs a first and a last image; give --last-image too");
  }
  if (spec.last_image && spec.model_frames < 2) refuse("a last image needs at least two frames");
}

// 8-bit RGB of any size to fp32 [1, 3, 1, H, W] in [-1, 1], scaled as the reference's video
// processor does.
Tensor frame_of(const Image& image, Size size) {
  const Image scaled = resize_image(image, size, Resample::kLanczos);
  const Tensor bytes = at::from_blob(const_cast<uint8_t*>(scaled.pixels.data()),
                                     {1, size.height, size.width, 3}, at::kByte);
  return (bytes.permute({0, 3, 1, 2}).to(at::kFloat) / 255.0 * 2.0 - 1.0).unsqueeze(2);
}

// [1, images * tokens, D] in the transformer's dtype.
Tensor encode_tokens(const LoadContext& context, const ModelConfig& config, const ClipSpec& spec) {
  std::vector<Tensor> pixels{clip_pixels(*spec.image, *config.image_processor)};
  if (spec.last_image) pixels.push_back(clip_pixels(*spec.last_image, *config.image_processor));
  const Tensor all = at::cat(pixels, 0);
  tap("clip.pixels", all);
  const Tensor embeds = load_clip(context)(all);
  tap("clip.embeds", embeds);
  return embeds.reshape({1, -1, embeds.size(2)}).to(context.dtype);
}

// Normalised latents of a video that begins with `first`, ends with `last` (if defined) and is zero
// between, [1, C, T, h, w]. Goes through the encoder in the chunks that make one latent frame each,
// so that the video is never held.
Tensor encode_video(VaeStream& encoder, const Tensor& first, const Tensor& last, int64_t frames,
                    int64_t chunk) {
  std::vector<Tensor> latents{encoder.push(first)};
  const Tensor zeros = at::zeros({1, 3, chunk, first.size(3), first.size(4)}, first.options());
  for (int64_t done = 1; done < frames;) {
    throw_if_cancelled();
    const int64_t n = std::min(chunk, frames - done);
    done += n;
    Tensor block = zeros.narrow(2, 0, n);
    if (done == frames && last.defined()) {
      block = n == 1 ? last : at::cat({zeros.narrow(2, 0, n - 1), last}, 2);
    }
    latents.push_back(encoder.push(block));
  }
  return at::cat(latents, 2);
}

// 1 where a frame of the video is given: [1, r, T, h, w], one channel for each of the r frames of a
// latent frame; the first latent frame stands for one frame alone and fills all of them.
Tensor frame_mask(const Tensor& latents, int64_t temporal_factor, bool with_last) {
  Tensor mask = at::zeros({1, temporal_factor, latents.size(2), latents.size(3), latents.size(4)},
                          latents.options());
  mask.select(2, 0).fill_(1);
  if (with_last) mask.select(2, -1).select(1, temporal_factor - 1).fill_(1);
  return mask;
}

}  // namespace

Conditioning prepare_conditioning(const LoadContext& context, const ClipSpec& spec) {
  const ModelConfig config = read_model_config(*context.model);
  check_images(config, spec);
  const Tensor first = frame_of(*spec.image, spec.model_size).to(context.device);
  const Tensor last =
      spec.last_image ? frame_of(*spec.last_image, spec.model_size).to(context.device) : Tensor();
  Conditioning result;
  if (config.transformer.image_dim > 0) {
    result.image_embeds = encode_tokens(context, config, spec);
  }

  const auto vae = load_vae(context);
  const auto encoder = vae->open_encoder();
  const int64_t r = config.vae.scale_factor_temporal;
  if (config.pins_frames()) {
    const Tensor encoded = encoder->push(first).to(at::kFloat);
    tap("cond.latents", encoded);
    const int64_t frames = (spec.model_frames - 1) / r + 1;
    result.pinned_latents = at::zeros(
        {1, encoded.size(1), frames, encoded.size(3), encoded.size(4)}, encoded.options());
    result.pinned_latents.narrow(2, 0, 1).copy_(encoded);
    result.pinned.assign(static_cast<size_t>(frames), false);
    result.pinned[0] = true;
    return result;
  }
  const Tensor encoded = encode_video(*encoder, first, last, spec.model_frames, r).to(at::kFloat);
  const Tensor mask = frame_mask(encoded, r, last.defined());
  tap("cond.latents", encoded);
  tap("cond.mask", mask);
  result.concat_latents = at::cat({mask, encoded}, 1);
  return result;
}

}  // namespace genvid::wan
