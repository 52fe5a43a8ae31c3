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

class TiledDecoder final : public VaeStream {
 public:
  TiledDecoder(VideoVae& vae, int64_t count) : vae_(vae), count_(count) {}

  Tensor push(const Tensor& x) override {
    const int64_t height = x.size(3), width = x.size(4);
    const auto rows = tile_spans(height, count_), columns = tile_spans(width, count_);
    if (streams_.empty()) {
      for (size_t i = 0; i < rows.size() * columns.size(); ++i) {
        streams_.push_back(vae_.open_decoder());
      }
    }
    Tensor sum, weight;
    size_t tile = 0;
    for (const TileSpan& row : rows) {
      for (const TileSpan& column : columns) {
        const Tensor part =
            x.narrow(3, row.start, row.size).narrow(4, column.start, column.size).contiguous();
        const Tensor frames = streams_[tile++]->push(part).to(at::kFloat);
        const int64_t f = frames.size(3) / row.size;
        if (!sum.defined()) {
          sum = at::zeros({1, frames.size(1), frames.size(2), height * f, width * f},
                          frames.options());
          weight = at::zeros({height * f, width * f}, frames.options());
        }
        const Tensor w = side_weights(row, height, f)
                             .view({-1, 1})
                             .mul(side_weights(column, width, f).view({1, -1}))
                             .to(frames.device());
        const auto place = [&](const Tensor& whole) {
          return whole.narrow(-2, row.start * f, row.size * f)
              .narrow(-1, column.start * f, column.size * f);
        };
        place(sum).add_(frames.mul(w));
        place(weight).add_(w);
      }
    }
    return sum.div_(weight);
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

}  // namespace genvid
