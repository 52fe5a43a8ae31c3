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

double value(const AnchorFrame& frame) { return frame.latents[0][0][0][1][1].item<double>(); }

TEST(Zoom, GoesOverFromOnePictureToTheNext) {
  Drawing drawing;
  Zoom zoom(picture(0), 0);
  // A part of the way to the picture of latent frame 12, which is carried back.
  const AnchorFrame near = zoom.ahead(1, 3, carry, drawing.draw());
  EXPECT_NEAR(value(near), 0.7 * 0.003 + 0.3 * (10 - 0.009), 1e-5);
  EXPECT_EQ(near.age, 1 - 3);
  EXPECT_EQ(drawing.times, 1);
  // At that picture's own place it alone counts; the next one is drawn of it.
  EXPECT_NEAR(value(zoom.ahead(9, 12, carry, drawing.draw())), 10, 1e-5);
  EXPECT_EQ(drawing.times, 2);
  EXPECT_NEAR(value(zoom.ahead(15, 18, carry, drawing.draw())), 0.4 * 10.006 + 0.6 * (20 - 0.006),
              1e-4);
  EXPECT_NEAR(value(zoom.ahead(19, 22, carry, drawing.draw())), 20 - 0.002, 1e-4);
  EXPECT_EQ(drawing.times, 2);
}

TEST(Zoom, FromTheSceneItBeginsWith) {
  Drawing drawing;
  Zoom zoom(picture(0), 30);
  const AnchorFrame seen = zoom.ahead(40, 45, carry, drawing.draw());
  EXPECT_EQ(drawing.times, 2);
  EXPECT_EQ(seen.age, -5);
  EXPECT_NEAR(value(seen), 0.7 * 10.003 + 0.3 * (20 - 0.009), 1e-4);
}

}  // namespace
}  // namespace genvid
