// Draws a clip's first picture (scripts/train/nets.py, Sketcher): one latent and beside it a sketch
// of it, what stands where in coarse numbers. They are stronger than the noise for longer, so what
// stands where is decided before how it looks. When the picture is done the sketch is dropped.
#pragma once

#include <vector>

#include "families/genvid_tiny/trunk.h"

namespace genvid::genvid_tiny {

class Sketcher {
 public:
  Sketcher(const WeightMap& w, const SketcherConfig& config, at::ScalarType dtype);

  const SketcherConfig& config() const { return config_; }
  const Trunk& trunk() const { return trunk_; }

  // x fp32 [1, C + sketch, 1, h, w], timesteps fp32 [1]; returns x0 [B, C + sketch, 1, h, w].
  Tensor forward(const Tensor& x, const Tensor& timesteps,
                 const std::vector<const TextContext*>& prompts, const RopeTable& rope) const;
  // A sketch fp32 [1, sketch, h, w] as tiles see it that lie half a tile further left and up; the
  // edge is repeated.
  Tensor between(const Tensor& sketch) const;
  // Where in a sketch the subject stands ahead of a camera that pans or tilts, from -0.35 to 0.35
  // of half the picture; the less, the more the edge cuts it off. 0 for one that stands or zooms;
  // near 0 where the subject fills less than a position.
  double leads(const Tensor& sketch, const CameraMove& move) const;

 private:
  SketcherConfig config_;
  Trunk trunk_;
  Linear out_;
};

}  // namespace genvid::genvid_tiny
