#include "families/genvid_tiny/codec.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/silu.h>
#include <c10/core/InferenceMode.h>

#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "core/cancel.h"
#include "families/genvid_tiny/config.h"
#include "nn/convolution.h"
#include "tensor/tap.h"

namespace genvid::genvid_tiny {
namespace {

// [N, h, w, C * r * r] -> [N, h * r, w * r, C]; of a position's channels, the column varies
// fastest.
Tensor spread_pixels(const Tensor& x, int64_t r) {
  const int64_t n = x.size(0), h = x.size(1), w = x.size(2);
  return x.view({n, h, w, -1, r, r}).permute({0, 1, 4, 2, 5, 3}).reshape({n, h * r, w * r, -1});
}

Conv2d conv3x3(const WeightMap& w, int64_t in, int64_t out) { return {w, in, out, 3, 1, 1}; }

struct Residual {
  Conv2d first, second;
  Residual(const WeightMap& w, int64_t in, int64_t width)
      : first(conv3x3(w.scope("conv").scope(0), in, width)),
        second(conv3x3(w.scope("conv").scope(1), width, width)) {}
  Tensor inside(const Tensor& x) const { return second(at::silu(first(at::silu(x)))); }
  Tensor operator()(const Tensor& x) const { return inside(x).add_(x); }
};

// What the correction keeps of the latent before; nothing at a clip's start.
struct Memory {
  Tensor latent, input;
};

struct Correction {
  Conv2d inp;
  Residual mix;
  std::vector<Residual> low, mid, fine;
  PointwiseConv up1, up2;
  Conv2d out;

  Correction(const WeightMap& w, const CodecConfig& c)
      : inp(conv3x3(w.scope("inp"), 2 * c.latent_channels, c.low)),
        mix(w.scope("mix"), 2 * c.low, c.low),
        up1(w.scope("up1"), c.low, 4 * c.mid, 2),
        up2(w.scope("up2"), c.mid, 4 * c.fine, 2),
        out(conv3x3(w.scope("out"), c.fine, c.frames * 3 * 16)) {
    for (int64_t i = 0; i < 2; ++i) {
      low.emplace_back(w.scope("low").scope(i), c.low, c.low);
      mid.emplace_back(w.scope("mid").scope(i), c.mid, c.mid);
      fine.emplace_back(w.scope("fine").scope(i), c.fine, c.fine);
    }
  }

  // One latent [N, h, w, C] -> [N, 16 h, 16 w, frames * 3].
  Tensor operator()(const Tensor& latent, Memory& memory) const {
    // Before the first latent it is as if that one had been there already.
    const auto with_last = [](const Tensor& x, Tensor& last) {
      const Tensor pair = at::cat({x, last.defined() ? last : x}, -1);
      last = x;
      return pair;
    };
    const Tensor a = inp(with_last(latent, memory.latent));
    Tensor x = mix.inside(with_last(a, memory.input)).add_(a);
    for (const Residual& r : low) x = r(x);
    x = spread_pixels(up1(x), 2);
    for (const Residual& r : mid) x = r(x);
    x = spread_pixels(up2(x), 2);
    for (const Residual& r : fine) x = r(x);
    return spread_pixels(out(at::silu(x)), 4);
  }
};

struct Network {
  CodecConfig config;
  Tensor mean, basis, scale;  // fp32
  std::optional<Correction> correction;
  at::TensorOptions options;  // of the correction

  Network(const WeightMap& w, const CodecConfig& c, const LoadContext& context)
      : config(c),
        mean(w.get("pca.mean", {c.block()})),
        basis(w.get("pca.basis", {c.block(), c.latent_channels})),
        scale(w.get("pca.scale", {c.latent_channels})),
        options(at::TensorOptions().device(context.device).dtype(context.vae_dtype)) {
    if (c.decoder) correction.emplace(w.scope("decoder"), c);
  }

  at::Device device() const { return options.device(); }
};

void check_push(const Tensor& x, int64_t channels, int64_t multiple, std::vector<int64_t>& first,
                const std::string& what) {
  const bool ok = x.dim() == 5 && x.size(0) >= 1 && x.size(1) == channels && x.size(2) >= 1 &&
                  x.size(3) >= 1 && x.size(4) >= 1 && x.size(3) % multiple == 0 &&
                  x.size(4) % multiple == 0;
  std::ostringstream shape;
  shape << x.sizes();
  if (!ok) {
    throw Error(ErrorKind::kUsage, what + " have the shape " + shape.str() +
                                       ", but the codec takes [1, " + std::to_string(channels) +
                                       ", T, H, W] with H and W multiples of " +
                                       std::to_string(multiple));
  }
  if (first.empty()) first = x.sizes().vec();
  if (first[0] != x.size(0) || first[3] != x.size(3) || first[4] != x.size(4)) {
    throw Error(ErrorKind::kUsage, what + " change size within a clip, to " + shape.str());
  }
}

// One latent at a time, whatever push() gets: memory then depends on the size alone, and every way
// to split a clip computes the same bits.
class DecoderStream final : public VaeStream {
 public:
  explicit DecoderStream(std::shared_ptr<const Network> network) : net_(std::move(network)) {}

  Tensor push(const Tensor& latents) override {
    const c10::InferenceMode inference;
    const CodecConfig& c = net_->config;
    check_push(latents, c.latent_channels, 1, first_, "latents");
    const TapScope scope("vae");
    const Tensor z = latents.to(net_->device(), at::kFloat).permute({0, 2, 3, 4, 1}).contiguous();
    const Tensor out =
        at::empty({z.size(0), 3, z.size(1) * c.frames, z.size(2) * c.patch, z.size(3) * c.patch},
                  z.options());
    for (int64_t t = 0; t < z.size(1); ++t) {
      throw_if_cancelled();
      decode(z.select(1, t), out.narrow(2, t * c.frames, c.frames));
    }
    return out;
  }

 private:
  // z [N, h, w, C] -> out [N, 3, frames, H, W].
  void decode(const Tensor& z, Tensor out) {
    const CodecConfig& c = net_->config;
    const int64_t n = z.size(0), h = z.size(1), w = z.size(2);
    // Of a block: colour, frame, row, column.
    Tensor blocks = at::matmul(z * net_->scale, net_->basis.t()).add_(net_->mean);
    if (net_->correction) {
      const Tensor y = (*net_->correction)(z.to(net_->options), memory_)
                           .to(at::kFloat)
                           .view({n, h, c.patch, w, c.patch, c.frames, 3})
                           .permute({0, 1, 3, 6, 5, 2, 4})
                           .reshape({n, h, w, c.block()});
      // What the latent says of changes inside of its frames stands: rain and snow, which look like
      // noise.
      const Tensor frames = y.view({n, h, w, 3, c.frames, c.patch * c.patch});
      const Tensor change = (frames - frames.mean(4, true)).view(y.sizes());
      blocks.add_(y).sub_(at::matmul(at::matmul(change, net_->basis), net_->basis.t()));
    }
    out.copy_(blocks.view({n, h, w, 3, c.frames, c.patch, c.patch})
                  .permute({0, 3, 4, 1, 5, 2, 6})
                  .reshape(out.sizes()));
    out.clamp_(-1.0, 1.0);
    if (c.even > 0) even(out);
  }

  // A latent hardly says what moves inside of its frames, so the step to its first one is too
  // large, the others are too small, and what stands still trembles. That step's excess over the
  // mean of the others is spread over all of them; the last frame stays. Source:
  // scripts/train/codec_model.py, evened.
  void even(const Tensor& out) {
    const int64_t count = out.size(2);
    const Tensor last = out.select(2, count - 1).clone();
    if (last_frame_.defined() && count > 1) {
      const Tensor first = out.select(2, 0);
      const Tensor inside = (last - first).div_(count - 1);
      const double most = net_->config.even / 127.5;
      const Tensor excess = (first - last_frame_).sub_(inside).clamp_(-most, most);
      for (int64_t k = 0; k < count - 1; ++k) {
        const double left = static_cast<double>(count - 1 - k) / static_cast<double>(count);
        out.select(2, k).sub_(excess, left).clamp_(-1.0, 1.0);
      }
    }
    last_frame_ = last;
  }

  std::shared_ptr<const Network> net_;
  Memory memory_;
  Tensor last_frame_;           // of the latent before, [N, 3, H, W]
  std::vector<int64_t> first_;  // sizes
};

class EncoderStream final : public VaeStream {
 public:
  explicit EncoderStream(std::shared_ptr<const Network> network) : net_(std::move(network)) {}

  Tensor push(const Tensor& frames) override {
    const c10::InferenceMode inference;
    const CodecConfig& c = net_->config;
    check_push(frames, 3, c.patch, first_, "frames");
    Tensor x = frames.to(net_->device(), at::kFloat);
    if (waiting_.defined()) x = at::cat({waiting_, x}, 2);
    const int64_t whole = x.size(2) / c.frames * c.frames;
    waiting_ = whole < x.size(2) ? x.narrow(2, whole, x.size(2) - whole).clone() : Tensor();
    const int64_t n = x.size(0), t = whole / c.frames, h = x.size(3) / c.patch,
                  w = x.size(4) / c.patch;
    if (t == 0) return at::empty({n, c.latent_channels, 0, h, w}, x.options());
    const Tensor blocks = x.narrow(2, 0, whole)
                              .reshape({n, 3, t, c.frames, h, c.patch, w, c.patch})
                              .permute({0, 2, 4, 6, 1, 3, 5, 7})
                              .reshape({n, t, h, w, c.block()});
    const Tensor z = at::matmul(blocks.sub(net_->mean), net_->basis).div_(net_->scale);
    return z.permute({0, 4, 1, 2, 3}).contiguous();
  }

 private:
  std::shared_ptr<const Network> net_;
  std::vector<int64_t> first_;  // sizes
  Tensor waiting_;              // fewer frames than a latent takes
};

class Codec final : public VideoVae {
 public:
  explicit Codec(std::shared_ptr<const Network> network) : net_(std::move(network)) {}
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

std::unique_ptr<VideoVae> load_codec(const LoadContext& context) {
  const c10::InferenceMode inference;
  const ModelComponent files = context.model->component("vae");
  const CodecConfig config = parse_codec_config(files.config, "vae/config.json");
  const WeightMap weights =
      WeightMap::open(files, context.device, {.compute = context.vae_dtype, .keep_fp32 = {"pca"}});
  auto network = std::make_shared<Network>(weights, config, context);
  weights.fill();
  return std::make_unique<Codec>(std::move(network));
}

}  // namespace genvid::genvid_tiny
