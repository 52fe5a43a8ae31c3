// A decoder that works through a frame tile by tile: less memory at once, for when it has run out.
// Tiles overlap and are blended, so that the result is close to the whole decode, not equal to it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "families/family.h"

namespace genvid {

// One side of a frame in latent rows or columns: where a tile starts, and how many it has.
struct TileSpan {
  int64_t start = 0;
  int64_t size = 0;
};

// At most `count` tiles over `length`, each sharing kTileOverlap with its neighbours.
inline constexpr int64_t kTileOverlap = 4;
std::vector<TileSpan> tile_spans(int64_t length, int64_t count);

// count x count tiles, all of them for each latent frame: every tile's memories are held, no
// frames. vae must outlive it.
std::unique_ptr<VaeStream> open_tiled_decoder(VideoVae& vae, int64_t count);

// The same frames, each tile through the whole clip before the next one: one tile's memories are
// held, and all frames (fp32, on the host). latents [1, C, T, H, W]. Calls `each` after every
// latent of a tile. Returns the frames of each latent: [1, 3, f, H', W'].
std::vector<Tensor> decode_tile_after_tile(VideoVae& vae, int64_t count, const Tensor& latents,
                                           at::Device device, const std::function<void()>& each);

}  // namespace genvid
