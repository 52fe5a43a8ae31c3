#include "pipeline/tiled_vae.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

namespace genvid {
namespace {

// Weights along one side of a tile in pixels: ramps where another tile lies beside it, never 0.
Tensor side_weights(const TileSpan& span, int64_t length, int64_t factor) {
  Tensor weights = at::ones({span.size * factor}, at::kFloat);
  float* w = weights.mutable_data_ptr<float>();
  const int64_t pixels = span.size * factor;
  const int64_t ramp = std::min(kTileOverlap * factor, pixels);
  for (int64_t k = 0; k < ramp; ++k) {
    const float value = (static_cast<float>(k) + 0.5f) / static_cast<float>(ramp);
    if (span.start > 0) w[k] = std::min(w[k], value);
    if (span.start + span.size < length) {
      w[pixels - 1 - k] = std::min(w[pixels - 1 - k], value);
    }
  }
  return weights;
}

struct Tile {
  TileSpan row, column;
};

// The tiles of a latent frame, and how their pixels come together.
class TileGrid {
 public:
  TileGrid(int64_t height, int64_t width, int64_t count) : height_(height), width_(width) {
    for (const TileSpan& row : tile_spans(height, count)) {
      for (const TileSpan& column : tile_spans(width, count)) tiles_.push_back({row, column});
    }
  }

  const std::vector<Tile>& tiles() const { return tiles_; }

  static Tensor cut(const Tensor& latents, const Tile& tile) {
    return latents.narrow(3, tile.row.start, tile.row.size)
        .narrow(4, tile.column.start, tile.column.size)
        .contiguous();
  }

  // Adds a tile's frames (fp32) to `sum`, which is made when it is undefined.
  void add(Tensor& sum, const Tensor& frames, const Tile& tile) const {
    const int64_t f = frames.size(3) / tile.row.size;
    if (!sum.defined()) {
      sum =
          at::zeros({1, frames.size(1), frames.size(2), height_ * f, width_ * f}, frames.options());
    }
    place(sum, tile, f).add_(frames.mul(weights(tile, f).to(frames.device())));
  }

  void divide(Tensor& sum) const {
    const int64_t f = sum.size(3) / height_;
    Tensor weight = at::zeros({height_ * f, width_ * f}, at::kFloat);
    for (const Tile& tile : tiles_) place(weight, tile, f).add_(weights(tile, f));
    sum.div_(weight.to(sum.device()));
  }

 private:
  static Tensor place(const Tensor& whole, const Tile& tile, int64_t f) {
    return whole.narrow(-2, tile.row.start * f, tile.row.size * f)
        .narrow(-1, tile.column.start * f, tile.column.size * f);
  }

  Tensor weights(const Tile& tile, int64_t f) const {
    return side_weights(tile.row, height_, f)
        .view({-1, 1})
        .mul(side_weights(tile.column, width_, f).view({1, -1}));
  }

  int64_t height_, width_;
  std::vector<Tile> tiles_;
};

class TiledDecoder final : public VaeStream {
 public:
  TiledDecoder(VideoVae& vae, int64_t count) : vae_(vae), count_(count) {}

  Tensor push(const Tensor& x) override {
    const TileGrid grid(x.size(3), x.size(4), count_);
    while (streams_.size() < grid.tiles().size()) streams_.push_back(vae_.open_decoder());
    Tensor sum;
    for (size_t i = 0; i < streams_.size(); ++i) {
      const Tile& tile = grid.tiles()[i];
      grid.add(sum, streams_[i]->push(TileGrid::cut(x, tile)).to(at::kFloat), tile);
    }
    grid.divide(sum);
    return sum;
  }

 private:
  VideoVae& vae_;
  int64_t count_;
  std::vector<std::unique_ptr<VaeStream>> streams_;
};

}  // namespace

std::vector<TileSpan> tile_spans(int64_t length, int64_t count) {
  const int64_t most = std::max<int64_t>(1, length / (2 * kTileOverlap));
  const int64_t n = std::min(count, most);
  // n tiles of one size that share at least the overlap.
  const int64_t size = (length + (n - 1) * kTileOverlap + n - 1) / n;
  std::vector<TileSpan> spans;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t start = n == 1 ? 0 : i * (length - size) / (n - 1);
    spans.push_back({start, size});
  }
  return spans;
}

std::unique_ptr<VaeStream> open_tiled_decoder(VideoVae& vae, int64_t count) {
  return std::make_unique<TiledDecoder>(vae, count);
}

std::vector<Tensor> decode_tile_after_tile(VideoVae& vae, int64_t count, const Tensor& latents,
                                           at::Device device, const std::function<void()>& each) {
  const TileGrid grid(latents.size(3), latents.size(4), count);
  std::vector<Tensor> sums(static_cast<size_t>(latents.size(2)));
  for (const Tile& tile : grid.tiles()) {
    const std::unique_ptr<VaeStream> stream = vae.open_decoder();
    for (int64_t t = 0; t < latents.size(2); ++t) {
      const Tensor frames = stream->push(TileGrid::cut(latents.narrow(2, t, 1), tile).to(device));
      grid.add(sums[static_cast<size_t>(t)], frames.to(at::kCPU, at::kFloat), tile);
      each();
    }
  }
  for (Tensor& sum : sums) grid.divide(sum);
  return sums;
}

}  // namespace genvid
