#include "families/genvid_tiny/sketcher.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/pixel_unshuffle.h>
#include <ATen/ops/replication_pad2d.h>

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

}  // namespace genvid::genvid_tiny
