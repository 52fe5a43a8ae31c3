#include "pipeline/zoom.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

namespace genvid {
namespace {

// A picture that holds one number; the camera adds a thousandth of the latent frames gone by, and
// drawing again makes whole tens of it.
Tensor picture(double value) { return at::full({1, 1, 1, 2, 2}, value, at::kFloat); }
Tensor carry(const Tensor& seen, double latents) { return seen + latents / 1000; }

struct Drawing {
  int64_t times = 0;
  Zoom::Draw draw() {
    return [this](const Tensor& seen, const Tensor& first) {
      EXPECT_EQ(first[0][0][0][0][0].item<double>(), 0);
      EXPECT_NEAR(seen[0][0][0][0][0].item<double>(), 10.0 * static_cast<double>(times) + 0.012,
                  1e-5);
      return picture(10.0 * static_cast<double>(++times));
    };
  }
};

double value(const AnchorFrame& frame, int64_t latent) {
  return frame.latents[0][0][latent][1][1].item<double>();
}

TEST(Zoom, GoesOverFromOnePictureToTheNext) {
  Drawing drawing;
  Zoom zoom(picture(0), 0, 0.0113);
  // From latent frame to latent frame a part of the way to the picture of the twelfth, which is
  // carried back.
  const AnchorFrame near = zoom.ahead(0, 3, carry, drawing.draw());
  ASSERT_EQ(near.latents.size(2), 4);
  for (int64_t at = 0; at <= 3; ++at) {
    const double share = 0.1 * static_cast<double>(at);
    EXPECT_NEAR(value(near, at),
                (1 - share) * 0.001 * static_cast<double>(at) +
                    share * (10 - 0.001 * static_cast<double>(12 - at)),
                1e-5);
  }
  EXPECT_EQ(near.age, -3);
  EXPECT_EQ(drawing.times, 1);
  // At that picture's own place it alone counts, as shortly before; the next one is drawn of it.
  const AnchorFrame over = zoom.ahead(9, 12, carry, drawing.draw());
  EXPECT_NEAR(value(over, 0), 0.1 * 0.009 + 0.9 * (10 - 0.003), 1e-4);
  EXPECT_NEAR(value(over, 1), 10 - 0.002, 1e-4);
  EXPECT_NEAR(value(over, 3), 10, 1e-4);
  EXPECT_EQ(drawing.times, 2);
  const AnchorFrame behind = zoom.ahead(15, 18, carry, drawing.draw());
  EXPECT_NEAR(value(behind, 3), 0.4 * 10.006 + 0.6 * (20 - 0.006), 1e-4);
  EXPECT_EQ(drawing.times, 2);
}

TEST(Zoom, FromTheSceneItBeginsWith) {
  Drawing drawing;
  Zoom zoom(picture(0), 30, -0.0113);
  const AnchorFrame seen = zoom.ahead(40, 45, carry, drawing.draw());
  EXPECT_EQ(drawing.times, 2);
  EXPECT_EQ(seen.age, -5);
  EXPECT_NEAR(value(seen, 0), 10 - 0.002, 1e-4);
  EXPECT_NEAR(value(seen, 5), 0.7 * 10.003 + 0.3 * (20 - 0.009), 1e-4);
}

// Half as fast, it sees the next picture after twice as long.
TEST(Zoom, PicturesAreAsFarApartAsItTravels) {
  int64_t times = 0;
  Zoom zoom(picture(0), 0, 0.0113 / 2);
  const AnchorFrame seen = zoom.ahead(8, 12, carry, [&](const Tensor& drawn, const Tensor&) {
    EXPECT_NEAR(drawn[0][0][0][0][0].item<double>(), 0.024, 1e-5);
    ++times;
    return picture(10);
  });
  EXPECT_EQ(times, 1);
  EXPECT_NEAR(value(seen, 4), 0.4 * 0.012 + 0.6 * (10 - 0.012), 1e-4);
}

}  // namespace
}  // namespace genvid
