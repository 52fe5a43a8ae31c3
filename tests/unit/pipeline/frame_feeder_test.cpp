#include "pipeline/frame_feeder.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "genvid/error.h"

namespace genvid {
namespace {

// Keeps what arrives, as a file would.
class MemorySink final : public FrameSink {
 public:
  void begin(const FrameSpec& s) override {
    spec = s;
    ++begun;
  }
  void write(const FrameView& frame) override { frames.push_back(frame); }
  void finish() override {}

  // Value of pixel (x, y) of plane p (0 = G, 1 = B, 2 = R).
  float at(size_t frame, int p, int x, int y) const {
    const auto* row =
        static_cast<const char*>(frames[frame].plane[p]) + y * frames[frame].stride[p];
    return reinterpret_cast<const float*>(row)[x];
  }

  FrameSpec spec;
  int begun = 0;
  std::vector<FrameView> frames;
};

FrameSpec spec_of(int width, int height, int64_t frames) {
  FrameSpec s;
  s.width = width;
  s.height = height;
  s.frames = frames;
  s.fps = {16, 1};
  return s;
}

// [1, 3, f, h, w] counting up inside [-1, 1].
Tensor ramp(int64_t f, int64_t h, int64_t w) {
  const int64_t n = 3 * f * h * w;
  return at::arange(n, at::kFloat).div(static_cast<double>(n) / 2.0).sub(1.0).view({1, 3, f, h, w});
}

TEST(FrameFeeder, PlanesAreGbrInUnitRange) {
  MemorySink sink;
  FrameFeeder feeder(sink, spec_of(4, 2, 3));
  const Tensor x = ramp(3, 2, 4);
  feeder.write(x);
  ASSERT_EQ(sink.frames.size(), 3u);
  EXPECT_TRUE(feeder.complete());
  for (int64_t f = 0; f < 3; ++f) {
    const int64_t channel_of_plane[3] = {1, 2, 0};
    for (int p = 0; p < 3; ++p) {
      const float expected = x[0][channel_of_plane[p]][f][1][3].item<float>() * 0.5f + 0.5f;
      EXPECT_FLOAT_EQ(sink.at(static_cast<size_t>(f), p, 3, 1), expected);
    }
  }
}

TEST(FrameFeeder, CropsTheCentreAndTrimsTheEnd) {
  MemorySink sink;
  FrameFeeder feeder(sink, spec_of(2, 2, 3));
  const Tensor x = ramp(2, 6, 4);
  feeder.write(x);
  feeder.write(x);
  ASSERT_EQ(sink.frames.size(), 3u);
  EXPECT_EQ(sink.begun, 1);
  EXPECT_FLOAT_EQ(sink.at(0, 2, 0, 0), x[0][0][0][2][1].item<float>() * 0.5f + 0.5f);
}

TEST(FrameFeeder, ClampsAndRefusesWhatIsNotFinite) {
  MemorySink sink;
  FrameFeeder feeder(sink, spec_of(2, 2, 2));
  feeder.write(at::full({1, 3, 1, 2, 2}, 3.0));
  EXPECT_EQ(sink.at(0, 0, 0, 0), 1.0f);
  try {
    feeder.write(at::full({1, 3, 1, 2, 2}, std::numeric_limits<double>::quiet_NaN()));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kNumerical);
  }
}

TEST(FrameFeeder, RestartSkipsWhatTheSinkHas) {
  MemorySink sink;
  FrameFeeder feeder(sink, spec_of(4, 2, 4));
  feeder.write(ramp(2, 2, 4));
  feeder.restart();
  feeder.write(ramp(2, 2, 4));
  EXPECT_EQ(sink.frames.size(), 2u);
  feeder.write(ramp(2, 2, 4));
  EXPECT_EQ(sink.frames.size(), 4u);
  EXPECT_TRUE(feeder.complete());
}

TEST(FrameFeeder, FramesOutliveTheTensor) {
  MemorySink sink;
  FrameFeeder feeder(sink, spec_of(4, 2, 1));
  { feeder.write(ramp(1, 2, 4).clone()); }
  EXPECT_NE(sink.frames[0].keep_alive, nullptr);
  EXPECT_GE(sink.at(0, 0, 0, 0), 0.0f);
}

}  // namespace
}  // namespace genvid
