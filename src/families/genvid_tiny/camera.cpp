#include "families/genvid_tiny/camera.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argmax.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace genvid::genvid_tiny {
namespace {

// Most by which a picture that is drawn again gets a first one's spread.
constexpr double kFirmer = 1.5;

// Mean steps between every second pixel that are soft, and hard; the pixels' range is 2.
constexpr double kSoft = 0.02, kHard = 0.06;

// What each of `length` pixels shows lay there, on a side as long: fp32 [length].
Tensor sources(int64_t length, double shift, double growth, double hold, const Tensor& like) {
  const double middle = hold * static_cast<double>(length) - 0.5;
  return (at::arange(length, like.options()) - middle - shift) * std::exp(-growth) + middle;
}

// Interpolation (Catmull-Rom) as a matrix [length, length]: pixel i shows what lay at
// middle + (i - middle - shift) / size.
Tensor resample(int64_t length, double shift, double growth, double hold, const Tensor& like) {
  const Tensor at = at::arange(length, like.options());
  const Tensor source =
      sources(length, shift, growth, hold, like).clamp_(0.0, static_cast<double>(length - 1));
  const Tensor d = (source.unsqueeze(1) - at).abs_();
  const Tensor outer = at::where(d < 2, ((2.5 - 0.5 * d) * d - 4) * d + 2, at::zeros_like(d));
  const Tensor weight = at::where(d < 1, (1.5 * d - 2.5) * d * d + 1, outer);
  return weight / weight.sum(1, true);
}

// 1 for each pixel that shows what lay on the side, else 0: fp32 [length].
Tensor within(int64_t length, double shift, double growth, double hold, const Tensor& like) {
  const Tensor from = sources(length, shift, growth, hold, like);
  return (from > -0.5).logical_and(from < static_cast<double>(length) - 0.5).to(like.scalar_type());
}

// Of each pixel of a side: whether it still lies in a picture that is moved by half a tile, and how
// near it lies to a tile's border. fp32 [length].
struct Shares {
  Tensor inside, near_border;
};

Shares shares(int64_t length, int64_t half, const Tensor& like) {
  const auto side = static_cast<double>(2 * half);
  const Tensor at = at::arange(length, like.options());
  const Tensor off = at.remainder(side);
  const Tensor left = static_cast<double>(length - half) - 0.5 - at;
  return {left.div(static_cast<double>(half)).clamp_(0.0, 1.0),
          1 - at::minimum(off, side - 1 - off).div_(static_cast<double>(half))};
}

// The mean over as many pixels on either side of each, as far as there are any.
Tensor around(const Tensor& x, int64_t rows, int64_t columns) {
  const Tensor down = at::avg_pool2d(x, {2 * rows + 1, 1}, 1, {rows, 0}, false, false);
  return at::avg_pool2d(down, {1, 2 * columns + 1}, 1, {0, columns}, false, false);
}

}  // namespace

Camera::Camera(const WeightMap& w, const TransformerConfig& c)
    : patch_(c.patch),
      hold_(c.camera_hold),
      moves_(c.camera_moves),
      read_(w, c.text_dim, static_cast<int64_t>(c.camera_moves.size())),
      basis_(w.get("basis", {c.block(), c.in_channels})),
      mean_(w.get("mean", {c.block()})),
      scale_(w.get("scale", {c.in_channels})) {}

const CameraMove& Camera::move(const Tensor& pooled) const {
  return moves_[static_cast<size_t>(read_(pooled).argmax(-1).item<int64_t>())];
}

Tensor Camera::carry(const Tensor& latent, const CameraMove& move, double times,
                     const Tensor& outside) const {
  const double right = times * move.right, down = times * move.down, growth = times * move.growth;
  if (right == 0 && down == 0 && growth == 0) return latent;
  Tensor x = pixels(latent);
  if (right != 0 || growth != 0) x = at::matmul(x, resample(x.size(2), right, growth, 0.5, x).t());
  if (down != 0 || growth != 0) x = at::matmul(resample(x.size(1), down, growth, hold_, x), x);
  if (outside.defined()) {
    const Tensor there = at::outer(within(x.size(1), down, growth, hold_, x),
                                   within(x.size(2), right, growth, 0.5, x));
    x = at::where(there.gt(0), x, pixels(outside));
  }
  return this->latent(x);
}

Tensor Camera::pixels(const Tensor& latent) const {
  const int64_t h = latent.size(2), w = latent.size(3);
  const auto [t, p, q] = patch_;
  const Tensor x = at::matmul(latent.permute({0, 2, 3, 1}) * scale_, basis_.t()) + mean_;
  return x.view({h, w, 3 * t, p, q}).permute({2, 0, 3, 1, 4}).reshape({3 * t, h * p, w * q});
}

Tensor Camera::latent(const Tensor& pixels) const {
  const auto [t, p, q] = patch_;
  const int64_t h = pixels.size(1) / p, w = pixels.size(2) / q;
  const Tensor x = pixels.view({3 * t, h, p, w, q}).permute({1, 3, 0, 2, 4}).reshape({1, h, w, -1});
  return (at::matmul(x - mean_, basis_) / scale_).permute({0, 3, 1, 2});
}

Tensor Camera::between(const Tensor& latent) const {
  return carry(latent, {static_cast<double>(patch_[2] / 2), static_cast<double>(patch_[1] / 2), 0},
               1);
}

Tensor Camera::back(const Tensor& moved, const Tensor& latent) const {
  const int64_t down = patch_[1] / 2, right = patch_[2] / 2;
  const Tensor x = pixels(latent);
  const auto rows = shares(x.size(1), down, x), columns = shares(x.size(2), right, x);
  const Tensor there = at::outer(rows.inside, columns.inside).unsqueeze(0);
  const Tensor share = 1 - at::outer(1 - rows.near_border, 1 - columns.near_border);
  const auto frames = [this](const Tensor& v) {
    return v.view({3, patch_[0], v.size(1), v.size(2)});
  };
  const Tensor more = frames(pixels(moved).roll({-down, -right}, {1, 2}) - x).mean(1);
  const Tensor tone =
      around(more * there, down, right).div_(around(there, down, right).clamp_min_(1e-3));
  const Tensor change = there * (share * (more - tone) + tone / 2);
  return this->latent((frames(x) + change.unsqueeze(1)).view(x.sizes()));
}

Tensor Camera::toned(const Tensor& made, const Tensor& latent, const Tensor& like) const {
  const std::vector<int64_t> places{2, 3};
  const Tensor mean = made.mean(places, true);
  const Tensor gain =
      (like.var(places, false, true) / made.var(places, false, true).clamp_min(1e-6))
          .sqrt_()
          .clamp_(1, kFirmer);
  const Tensor x = pixels(mean + (made - mean) * gain);
  const Tensor off = at::avg_pool2d((pixels(latent) - x).unsqueeze(0), {patch_[1], patch_[2]});
  const std::vector<int64_t> size{x.size(1), x.size(2)};
  return this->latent(x + at::upsample_bilinear2d(off, size, false).squeeze(0));
}

Tensor Camera::beside(const Tensor& made, const DrawnSide& side) const {
  constexpr int64_t kNear = 2;  // positions that say what tone is missed
  const auto [t, p, q] = patch_;
  const int64_t axis = side.axis - 1;  // without frames
  const int64_t length = made.size(axis), known = length - side.count;
  const int64_t near = std::min(kNear, known);
  const Tensor there = side.latents.squeeze(2);
  std::vector<Tensor> out;
  for (const Tensor& one : made.split(1, 0)) {
    const Tensor x = pixels(one);
    const Tensor missed = (pixels(there) - x)
                              .view({3 * t, one.size(2), p, one.size(3), q})
                              .mean({2, 4})
                              .narrow(axis - 1, side.first ? side.count : known - near, near)
                              .mean(axis - 1, true)
                              .expand({3 * t, one.size(2), one.size(3)});
    const Tensor toned = latent(x + missed.repeat_interleave(p, 1).repeat_interleave(q, 2))
                             .narrow(axis, side.first ? 0 : known, side.count);
    const Tensor rest = there.narrow(axis, side.first ? side.count : 0, known);
    out.push_back(side.first ? at::cat({toned, rest}, axis) : at::cat({rest, toned}, axis));
  }
  return at::cat(out, 0);
}

Tensor Camera::hardness(const Tensor& latent) const {
  const Tensor x = at::avg_pool2d(pixels(latent).mean({0}, true), {2, 2});
  const Tensor right = at::constant_pad_nd(x.diff(1, 2), {0, 1});
  const Tensor down = at::constant_pad_nd(x.diff(1, 1), {0, 0, 0, 1});
  const Tensor edge =
      at::avg_pool2d((right.square() + down.square()).sqrt_(), {patch_[1] / 2, patch_[2] / 2});
  const Tensor own = ((edge - kSoft) / (kHard - kSoft)).clamp_(0, 1);
  return at::maximum(own, at::avg_pool2d(own, {3, 3}, {1, 1}, {1, 1}, false, false)).squeeze(0);
}

Tensor Camera::inside(const CameraMove& move, double times, int64_t h, int64_t w) const {
  const auto shares = [&](int64_t count, int64_t side, double shift, double hold) {
    const int64_t length = count * side;
    return within(length, times * shift, times * move.growth, hold, mean_)
        .view({count, side})
        .mean(1);
  };
  return at::outer(shares(h, patch_[1], move.down, hold_), shares(w, patch_[2], move.right, 0.5));
}

}  // namespace genvid::genvid_tiny
