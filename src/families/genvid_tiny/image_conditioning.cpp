#include "families/genvid_tiny/image_conditioning.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include "core/image_resize.h"
#include "families/genvid_tiny/codec.h"
#include "families/genvid_tiny/config.h"
#include "tensor/tap.h"

namespace genvid::genvid_tiny {
namespace {

// 8-bit RGB of any size to fp32 [1, 3, 1, H, W] in [-1, 1].
Tensor frame_of(const Image& image, Size size) {
  const Image scaled = resize_image(image, size, Resample::kLanczos);
  const Tensor bytes = at::from_blob(const_cast<uint8_t*>(scaled.pixels.data()),
                                     {1, size.height, size.width, 3}, at::kByte);
  return (bytes.permute({0, 3, 1, 2}).to(at::kFloat) / 255.0 * 2.0 - 1.0).unsqueeze(2);
}

}  // namespace

Conditioning prepare_conditioning(const LoadContext& context, const ClipSpec& spec) {
  if (!spec.image) {  // a last one is not conditioning: it is a known latent frame of a window
    throw Error(ErrorKind::kUsage, "this model starts from --image alone in a single window");
  }
  const ModelConfig config = read_model_config(*context.model);
  const int64_t frames = config.codec.frames;
  const Tensor still =
      frame_of(*spec.image, spec.model_size).expand({1, 3, frames, -1, -1}).to(context.device);
  const Tensor encoded = load_codec(context)->open_encoder()->push(still);
  tap("cond.latents", encoded);
  const int64_t latents = (spec.model_frames + frames - 1) / frames;
  Conditioning result;
  result.pinned_latents =
      at::zeros({1, encoded.size(1), latents, encoded.size(3), encoded.size(4)}, encoded.options());
  result.pinned_latents.narrow(2, 0, 1).copy_(encoded);
  result.pinned.assign(static_cast<size_t>(latents), false);
  result.pinned[0] = true;
  result.pinned_timestep = 1000.0 * config.transformer.history_sigma;
  return result;
}

}  // namespace genvid::genvid_tiny
