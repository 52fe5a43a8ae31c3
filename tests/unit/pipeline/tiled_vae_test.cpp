#include "pipeline/tiled_vae.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/upsample_nearest3d.h>
#include <gtest/gtest.h>

namespace genvid {
namespace {

TEST(TiledVae, SpansCoverAndOverlap) {
  for (int64_t length = 1; length < 120; ++length) {
    for (const int64_t count : {1, 2, 4}) {
      const auto spans = tile_spans(length, count);
      ASSERT_EQ(spans.front().start, 0);
      ASSERT_EQ(spans.back().start + spans.back().size, length) << length << " in " << count;
      ASSERT_LE(spans.size(), static_cast<size_t>(count));
      for (size_t i = 1; i < spans.size(); ++i) {
        ASSERT_GE(spans[i - 1].start + spans[i - 1].size - spans[i].start, kTileOverlap) << length;
        ASSERT_GT(spans[i].start, spans[i - 1].start);
      }
    }
  }
}

// Where every pixel depends on its own latent alone, tiles change nothing.
class PointwiseVae : public VideoVae {
 public:
  class Stream : public VaeStream {
    Tensor push(const Tensor& x) override {
      return at::upsample_nearest3d(x, {4, x.size(3) * 8, x.size(4) * 8}).narrow(1, 0, 3);
    }
  };
  std::unique_ptr<VaeStream> open_decoder() override { return std::make_unique<Stream>(); }
  std::unique_ptr<VaeStream> open_encoder() override { return nullptr; }
};

TEST(TiledVae, TilesComeTogether) {
  PointwiseVae vae;
  for (const int64_t count : {1, 2, 4}) {
    const auto whole = vae.open_decoder();
    const auto tiled = open_tiled_decoder(vae, count);
    for (int frame = 0; frame < 3; ++frame) {
      const Tensor x = at::rand({1, 4, 1, 22, 40});
      const Tensor a = whole->push(x), b = tiled->push(x);
      ASSERT_EQ(a.sizes(), b.sizes());
      EXPECT_TRUE(at::allclose(a, b, 1e-5, 1e-6));
    }
  }
}

// Its frames depend on what it saw before, as a real decoder's do.
class RememberingVae : public VideoVae {
 public:
  class Stream : public VaeStream {
    Tensor push(const Tensor& x) override {
      seen_ = seen_.defined() ? seen_.mul(0.5).add_(x) : x.clone();
      return at::upsample_nearest3d(seen_, {4, x.size(3) * 8, x.size(4) * 8}).narrow(1, 0, 3);
    }
    Tensor seen_;
  };
  std::unique_ptr<VaeStream> open_decoder() override { return std::make_unique<Stream>(); }
  std::unique_ptr<VaeStream> open_encoder() override { return nullptr; }
};

TEST(TiledVae, OneTileAfterAnotherGivesTheSameFrames) {
  RememberingVae vae;
  const int64_t count = 5;
  const Tensor x = at::rand({1, 4, count, 22, 40});
  // A clip; a loop, whose end stands before it.
  for (const Tensor& latents : {x, at::cat({x.narrow(2, count - 2, 2), x}, 2)}) {
    const auto tiled = open_tiled_decoder(vae, 2);
    const int64_t all = latents.size(2);
    int64_t calls = 0;
    const auto frames = decode_tile_after_tile(vae, 2, latents, at::kCPU, [&] { ++calls; });
    EXPECT_EQ(calls, 4 * all);
    ASSERT_EQ(frames.size(), static_cast<size_t>(all));
    for (int64_t t = 0; t < all; ++t) {
      const Tensor one = tiled->push(latents.narrow(2, t, 1));
      EXPECT_TRUE(at::equal(one, frames[static_cast<size_t>(t)])) << t;
    }
  }
}

}  // namespace
}  // namespace genvid
