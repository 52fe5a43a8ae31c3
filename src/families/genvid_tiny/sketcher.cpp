#include "families/genvid_tiny/sketcher.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/replication_pad2d.h>

#include <algorithm>

namespace genvid::genvid_tiny {

Sketcher::Sketcher(const WeightMap& w, const SketcherConfig& c, at::ScalarType dtype)
    : config_(c), trunk_(w, c, c.channels(), dtype), out_(w.scope("out"), c.dim, c.channels()) {}

Tensor Sketcher::forward(const Tensor& x, const Tensor& timesteps,
                         const std::vector<const TextContext*>& prompts,
                         const RopeTable& rope) const {
  const Tensor x0 = out_(trunk_.tokens(x, timesteps, prompts, rope));
  return x0.view({x0.size(0), 1, x.size(3), x.size(4), x.size(1)}).permute({0, 4, 1, 2, 3});
}

Tensor Sketcher::between(const Tensor& sketch) const {
  const int64_t half = config_.fine / 2;
  const Tensor facts = at::replication_pad2d(sketch.narrow(1, 0, config_.facts), {1, 0, 1, 0});
  Tensor lines = sketch.narrow(1, config_.facts, sketch.size(1) - config_.facts);
  lines = at::pixel_shuffle(lines, config_.fine);
  const int64_t rows = lines.size(2), columns = lines.size(3);
  lines = at::replication_pad2d(lines, {half, 0, half, 0});
  lines = lines.narrow(2, 0, rows).narrow(3, 0, columns);
  return at::cat({at::avg_pool2d(facts, 2, 1), at::pixel_unshuffle(lines, config_.fine)}, 1);
}

double Sketcher::leads(const Tensor& sketch, const CameraMove& move) const {
  if (move.growth != 0) return 0;
  // Sketches hold 2 (2 share - 1).
  const Tensor share = sketch[0][config_.subject].to(at::kCPU).div(4).add(0.5).clamp_(0, 1);
  // along: what each row or column holds, those that are ahead last.
  const auto ahead = [](const Tensor& along) {
    const int64_t n = along.size(0);
    const Tensor middles = at::arange(n).mul(2).add(1).div(n).sub(1);
    const double at =
        (along * middles).sum().item<double>() / std::max(1.0, along.sum().item<double>());
    const double whole =
        1 - along[n - 1].item<double>() / std::max(0.1, along.max().item<double>());
    return std::clamp(at, -0.35, 0.35) * (at > 0 ? whole : 1.0);
  };
  // The picture moves against the camera.
  const auto seen = [](const Tensor& along, double moved) {
    return moved > 0 ? along.flip({0}) : along;
  };
  double leads = 0;
  if (move.right != 0) leads += ahead(seen(share.sum(0), move.right));
  if (move.down != 0) leads += ahead(seen(share.sum(1), move.down));
  return leads;
}

}  // namespace genvid::genvid_tiny
