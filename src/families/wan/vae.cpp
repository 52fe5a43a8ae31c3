#include "families/wan/vae.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <string>
#include <utility>
#include <vector>

#include "core/cancel.h"
#include "families/wan/config.h"
#include "families/wan/vae_decoder.h"
#include "families/wan/vae_encoder.h"
#include "tensor/tap.h"
#include "weights/weight_map.h"

namespace genvid::wan {
namespace {

struct Network {
  VaeConfig config;
  VaeDecoder decoder;
  VaeEncoder encoder;
  PointwiseConv quant_conv, post_quant_conv;
  at::TensorOptions options;  // device and dtype of the weights
  Tensor mean, inverse_std;   // [z_dim] fp32

  Network(const WeightMap& w, const VaeConfig& c, const LoadContext& context)
      : config(c),
        decoder(w.scope("decoder"), c),
        encoder(w.scope("encoder"), c),
        quant_conv(w.scope("quant_conv"), 2 * c.z_dim, 2 * c.z_dim, 3),
        post_quant_conv(w.scope("post_quant_conv"), c.z_dim, c.z_dim, 3),
        options(at::TensorOptions().device(context.device).dtype(context.vae_dtype)),
        mean(at::tensor(c.latents_mean, at::kFloat).to(context.device)),
        inverse_std(at::tensor(c.latents_std, at::kFloat).reciprocal().to(context.device)) {}
};

Tensor channels_last(const Tensor& x) { return x.permute({0, 2, 3, 4, 1}).contiguous(); }
Tensor channels_second(const Tensor& x) { return x.permute({0, 4, 1, 2, 3}); }

std::string sizes_text(at::IntArrayRef sizes) {
  std::string text;
  for (const int64_t n : sizes) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "[" + text + "]";
}

// `multiple`: what rows and columns must be divisible by. first: the sizes of the stream's first
// push, set here.
void check_push(const Tensor& x, int64_t channels, int64_t multiple, std::vector<int64_t>& first,
                const std::string& what) {
  const bool ok = x.dim() == 5 && x.size(0) >= 1 && x.size(1) == channels && x.size(2) >= 1 &&
                  x.size(3) >= 1 && x.size(4) >= 1 && x.size(3) % multiple == 0 &&
                  x.size(4) % multiple == 0;
  if (!ok) {
    throw Error(ErrorKind::kUsage, what + " have the shape " + sizes_text(x.sizes()) +
                                       ", but the VAE takes [1, " + std::to_string(channels) +
                                       ", T, H, W] with H and W multiples of " +
                                       std::to_string(multiple));
  }
  if (first.empty()) first = x.sizes().vec();
  if (first[0] != x.size(0) || first[3] != x.size(3) || first[4] != x.size(4)) {
    throw Error(ErrorKind::kUsage, what + " change size within a clip, from " + sizes_text(first) +
                                       " to " + sizes_text(x.sizes()));
  }
}

// [B, f, H, W, 3 * p * p] -> [B, 3, f, pH, pW]; of a pixel's channels, the column within the patch
// varies slower than the row.
Tensor unpatchify(const Tensor& x, int64_t p) {
  const int64_t b = x.size(0), f = x.size(1), h = x.size(2), w = x.size(3);
  return x.view({b, f, h, w, 3, p, p})
      .permute({0, 4, 1, 2, 6, 3, 5})
      .reshape({b, 3, f, h * p, w * p});
}

// [B, 3, f, pH, pW] -> [B, f, H, W, 3 * p * p]
Tensor patchify(const Tensor& x, int64_t p) {
  const int64_t b = x.size(0), f = x.size(2), h = x.size(3) / p, w = x.size(4) / p;
  return x.reshape({b, 3, f, h, p, w, p})
      .permute({0, 2, 3, 5, 1, 6, 4})
      .reshape({b, f, h, w, 3 * p * p});
}

// One latent frame at a time, whatever push() gets: memory then depends on the size alone, and
// every way to split a clip computes the same bits.
class DecoderStream : public VaeStream {
 public:
  explicit DecoderStream(std::shared_ptr<const Network> network) : net_(std::move(network)) {}

  Tensor push(const Tensor& latents) override {
    const c10::InferenceMode inference;
    check_push(latents, net_->config.z_dim, 1, first_, "latents");
    const TapScope scope("vae");
    const Tensor z = channels_last(latents.to(net_->options.device(), at::kFloat))
                         .div(net_->inverse_std)
                         .add(net_->mean);
    if (tap_enabled()) tap("input", channels_second(z));
    const Tensor x = net_->post_quant_conv(z.to(net_->options.dtype()));
    if (tap_enabled()) tap("post_quant", channels_second(x));
    return decode(x);
  }

 private:
  Tensor decode(const Tensor& x) {
    const VaeConfig& c = net_->config;
    const int64_t t = x.size(1), scale = c.scale_factor_spatial;
    const int64_t per_latent = c.scale_factor_temporal;
    const int64_t frames = t * per_latent - (chunk_ == 0 ? per_latent - 1 : 0);
    const Tensor out = at::empty({x.size(0), 3, frames, x.size(2) * scale, x.size(3) * scale},
                                 net_->options.dtype(at::kFloat));
    int64_t done = 0;
    for (int64_t i = 0; i < t; ++i) {
      throw_if_cancelled();
      Tensor y = net_->decoder(x.narrow(1, i, 1), state_, chunk_++);
      y = c.patch_size > 1 ? unpatchify(y, c.patch_size) : channels_second(y);
      Tensor to = out.narrow(2, done, y.size(2));
      to.copy_(y);
      to.clamp_(-1.0, 1.0);
      done += y.size(2);
    }
    return out;
  }

  std::shared_ptr<const Network> net_;
  CausalState state_;
  std::vector<int64_t> first_;  // sizes
  int64_t chunk_ = 0;
};

class EncoderStream : public VaeStream {
 public:
  explicit EncoderStream(std::shared_ptr<const Network> network) : net_(std::move(network)) {}

  Tensor push(const Tensor& frames) override {
    const c10::InferenceMode inference;
    const VaeConfig& c = net_->config;
    check_push(frames, 3, c.scale_factor_spatial, first_, "frames");
    Tensor x = frames.to(net_->options);
    if (waiting_.defined()) x = at::cat({waiting_, x}, 2);
    std::vector<Tensor> latents;
    int64_t begin = 0;
    for (;;) {
      const int64_t take = chunk_ == 0 ? 1 : c.scale_factor_temporal;
      if (x.size(2) - begin < take) break;
      throw_if_cancelled();
      latents.push_back(encode(x.narrow(2, begin, take)));
      begin += take;
    }
    const int64_t rest = x.size(2) - begin;
    waiting_ = rest > 0 ? x.narrow(2, begin, rest).clone() : Tensor();
    if (latents.empty()) {
      const int64_t scale = c.scale_factor_spatial;
      return at::empty({x.size(0), c.z_dim, 0, x.size(3) / scale, x.size(4) / scale},
                       net_->options.dtype(at::kFloat));
    }
    return at::cat(latents, 2);
  }

 private:
  // The mode is the mean of the posterior, so the log-variance half is never computed.
  Tensor encode(const Tensor& frames) {
    const Tensor moments =
        net_->encoder(patchify(frames, net_->config.patch_size), state_, chunk_++);
    const Tensor mode = net_->quant_conv.first(moments, net_->config.z_dim).to(at::kFloat);
    return channels_second(mode.sub(net_->mean).mul(net_->inverse_std)).contiguous();
  }

  std::shared_ptr<const Network> net_;
  CausalState state_;
  std::vector<int64_t> first_;  // sizes
  Tensor waiting_;              // [B, 3, f, H, W], fewer frames than one latent frame takes
  int64_t chunk_ = 0;
};

class Vae : public VideoVae {
 public:
  explicit Vae(std::shared_ptr<const Network> network) : net_(std::move(network)) {}
  std::unique_ptr<VaeStream> open_decoder() override {
    return std::make_unique<DecoderStream>(net_);
  }
  std::unique_ptr<VaeStream> open_encoder() override {
    return std::make_unique<EncoderStream>(net_);
  }

 private:
  std::shared_ptr<const Network> net_;
};

}  // namespace

std::unique_ptr<VideoVae> load_vae(const LoadContext& context) {
  const c10::InferenceMode inference;
  const ModelComponent component = context.model->component("vae");
  const VaeConfig config = parse_vae_config(component.config, "vae/config.json");
  const WeightMap weights =
      WeightMap::open(component, context.device, {.compute = context.vae_dtype, .keep_fp32 = {}});
  auto network = std::make_shared<Network>(weights, config, context);
  weights.fill();
  return std::make_unique<Vae>(std::move(network));
}

}  // namespace genvid::wan
