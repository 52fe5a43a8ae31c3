// What the camera of the prompt does to a latent that was before: the picture is shifted and
// scaled, through the codec's linear part. Source: scripts/train/nets.py, class Camera.
#pragma once

#include <array>
#include <vector>

#include "families/family.h"
#include "families/genvid_tiny/config.h"
#include "nn/linear.h"
#include "tensor/tensor.h"
#include "weights/weight_map.h"

namespace genvid::genvid_tiny {

class Camera {
 public:
  Camera(const WeightMap& w, const TransformerConfig& config);

  // Of the prompt, by the class that its mean embedding, fp32 [1, text_dim], scores highest.
  const CameraMove& move(const Tensor& pooled) const;
  // A latent fp32 [1, C, h, w] as the camera sees it when it has made `move` `times` over. What
  // was outside the picture repeats its edge, or is as in `outside`, [1, C, h, w], if that is
  // known.
  Tensor carry(const Tensor& latent, const CameraMove& move, double times,
               const Tensor& outside = {}) const;
  // `latent` with the picture half a tile further right and down, so that borders of tiles come to
  // lie in their middle; the edge is repeated.
  Tensor between(const Tensor& latent) const;
  // between() undone: `latent` with `moved` at its tiles' borders, fading towards their middle, and
  // at the far edges, where `moved` has nothing. What changes from frame to frame, rain above all,
  // stays as it was. Where `moved` is brighter for the length of a tile, half of that counts
  // everywhere: with the borders it would show as a lattice.
  Tensor back(const Tensor& moved, const Tensor& latent) const;
  // `made` in the tone of `latent`: of each tile the mean of every colour and frame is that one's,
  // what lies between tiles' middles goes over. Before that, number by number, the spread over the
  // picture becomes that of `like`, where that is more.
  Tensor toned(const Tensor& made, const Tensor& latent, const Tensor& like) const;
  // `made` [B, C, h, w] with what is known of `side` in its place; what is drawn gets the tone, of
  // each row or column, by which the nearest known positions were missed.
  Tensor beside(const Tensor& made, const DrawnSide& side) const;
  // Of each position of a latent fp32 [1, C, h, w], from 0 where it shows what is plain or soft, as
  // sky and water, to 1 where there are hard edges, or around it on the average: fp32 [h, w].
  Tensor hardness(const Tensor& latent) const;
  // What share of each of h x w positions was inside of it: fp32 [h, w].
  Tensor inside(const CameraMove& move, double times, int64_t h, int64_t w) const;

 private:
  Tensor pixels(const Tensor& latent) const;  // [1, C, h, w] -> fp32 [frames and colours, H, W]
  Tensor latent(const Tensor& pixels) const;

  std::array<int64_t, 3> patch_;  // of a latent position: frames, rows, columns
  double hold_;
  std::vector<CameraMove> moves_;
  Linear read_;
  Tensor basis_, mean_, scale_;  // the codec's, fp32 [block, C], [block], [C]
};

}  // namespace genvid::genvid_tiny
