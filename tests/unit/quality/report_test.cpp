#include "quality/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "genvid/error.h"

namespace genvid::quality {
namespace {

constexpr int kWidth = 192, kHeight = 112;

// A texture without end and, nearly, without a period: waves of all lengths and directions.
double texture(double x, double y) {
  double v = 110;
  for (int k = 1; k <= 14; ++k) {
    const double frequency = 0.018 * std::pow(1.37, k), angle = 2.4 * k;
    v += 11 * std::sin(frequency * (x * std::cos(angle) + y * std::sin(angle)) + 1.7 * k);
  }
  return v;
}

using Scene = std::function<double(int frame, double x, double y)>;

Report measure(int frames, const Scene& scene, const std::vector<int64_t>& borders = {},
               double fps = 12) {
  Meter meter(fps);
  for (int t = 0; t < frames; ++t) {
    Image image{kWidth, kHeight, std::vector<uint8_t>(3 * kWidth * kHeight)};
    uint8_t* p = image.pixels.data();
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x, p += 3) {
        const double v = std::clamp(scene(t, x, y), 0.0, 255.0);
        p[0] = static_cast<uint8_t>(std::lround(v));
        p[1] = static_cast<uint8_t>(std::lround(0.9 * v));
        p[2] = static_cast<uint8_t>(std::lround(0.7 * v));
      }
    }
    meter.push(image);
  }
  return meter.finish(borders);
}

bool finds(const Report& r, const std::string& what) {
  for (const std::string& f : r.findings) {
    if (f.find(what) != std::string::npos) return true;
  }
  return false;
}

TEST(Quality, TellsTheCamera) {
  const auto moving = [](double dx, double dy, double zoom) {
    return measure(24, [=](int t, double x, double y) {
      const double k = std::pow(1 + zoom, -t);
      return texture((x - 96) * k - dx * t, (y - 56) * k - dy * t);
    });
  };
  EXPECT_EQ(moving(0, 0, 0).camera, "static");
  EXPECT_NEAR(moving(0, 0, 0).camera_zoom, 0, 1e-4) << "blocks at the edge lean outwards";
  EXPECT_EQ(moving(1.5, 0, 0).camera, "pan left");  // the picture moves right
  EXPECT_EQ(moving(-0.4, 0.1, 0).camera, "pan right");
  EXPECT_EQ(moving(0, 0.7, 0).camera, "tilt up");
  EXPECT_EQ(moving(0, -2, 0).camera, "tilt down");
  EXPECT_EQ(moving(0, 0, 0.01).camera, "zoom in");
  EXPECT_EQ(moving(0, 0, -0.01).camera, "zoom out");
  EXPECT_EQ(moving(-0.15, 0, 0).camera, "pan right") << "far less than a pixel a frame";
  EXPECT_NEAR(moving(-0.15, 0, 0).camera_dx, -0.15 * 12 / kWidth, 0.002);
  EXPECT_EQ(moving(0, 0, 0.002).camera, "zoom in");
  EXPECT_NEAR(moving(1.5, 0, 0).camera_dx, 1.5 * 12 / kWidth, 0.01);
  EXPECT_NEAR(moving(0, 0, 0.01).camera_zoom, 0.01 * 12, 0.02);
}

TEST(Quality, TellsASlowCameraOfALongClip) {
  const auto zoomed = [](int seconds, double zoom) {
    const auto scene = [=](int t, double x, double y) {
      const double k = std::pow(1 + zoom, -t);
      return texture((x - 96) * k, (y - 56) * k);
    };
    return measure(2 * seconds, scene, {}, 2);
  };
  EXPECT_EQ(zoomed(60, 0.006).camera, "zoom in");
  EXPECT_EQ(zoomed(60, 0).camera, "static");
  EXPECT_EQ(zoomed(12, 0.006).camera, "static") << "it hardly gets anywhere";
}

// Along an edge nothing can be seen to move, and such blocks must not hold the camera back.
TEST(Quality, TellsTheCameraByStraightEdgesToo) {
  const auto zoomed = [](double zoom) {
    return measure(36, [=](int t, double x, double y) {
      const double k = std::pow(1 + zoom, -t);
      const double across = (x - 96) * k, down = (y - 56) * k;
      const double horizon = 40 * std::tanh(down / 2), shore = 20 * std::tanh((down - 30) / 2);
      const double off = std::remainder(across - 11, 70);
      return 120 + horizon + shore + 50 * std::exp(-off * off / 8) * (down < 0 ? 1 : 0);
    });
  };
  EXPECT_EQ(zoomed(0.002).camera, "zoom in");
  EXPECT_NEAR(zoomed(0.002).camera_zoom, 0.002 * 12, 0.006);
  EXPECT_EQ(zoomed(-0.002).camera, "zoom out");
  EXPECT_EQ(zoomed(0).camera, "static");
}

TEST(Quality, ASteadyPanHasNothingThatStandsOut) {
  const Report r =
      measure(48, [](int t, double x, double y) { return texture(x - 2.0 * t, y); }, {20, 40});
  EXPECT_TRUE(r.findings.empty()) << r.findings.front();
  EXPECT_TRUE(r.dynamic);
  EXPECT_EQ(r.frozen, 0);
  EXPECT_LT(r.seams.at(0).z, 3);
  EXPECT_GT(r.smoothness, 0.98);
}

TEST(Quality, FindsWhatIsFrozenOrBlackOrPlain) {
  const Report still = measure(24, [](int, double x, double y) { return texture(x, y); });
  EXPECT_EQ(still.frozen, 1);
  EXPECT_TRUE(finds(still, "stands still"));
  EXPECT_FALSE(still.dynamic);
  const Report black = measure(24, [](int, double, double) { return 0; });
  EXPECT_EQ(black.black, 1);
  EXPECT_TRUE(finds(black, "black"));
  EXPECT_EQ(measure(5, [](int, double, double) { return 130; }).constant, 1);
}

TEST(Quality, FindsDrift) {
  const Report r =
      measure(48, [](int t, double x, double y) { return texture(x - t, y) * (1 + 0.006 * t); });
  EXPECT_GT(r.drift_luma, 0.2);
  EXPECT_TRUE(finds(r, "brightness drifts by +"));
  const Report blurred = measure(60, [](int t, double x, double y) {
    return 110 + (texture(x - t, y) - 110) * (1 - 0.01 * t);
  });
  EXPECT_LT(blurred.drift_sharpness, -0.4);
  EXPECT_TRUE(finds(blurred, "sharpness drifts by -"));
}

TEST(Quality, FindsASeamAtABorderAndAJumpElsewhere) {
  const Scene jump = [](int t, double x, double y) {
    return texture(x - t, y) + (t >= 30 ? 12 : 0);
  };
  const Report at_border = measure(60, jump, {30});
  EXPECT_GT(at_border.seams.at(0).z, 3);
  EXPECT_TRUE(finds(at_border, "seam at frame 30"));
  const Report elsewhere = measure(60, jump, {20});
  EXPECT_LT(elsewhere.seams.at(0).z, 3);
  EXPECT_EQ(elsewhere.worst_step.frame, 30);
  EXPECT_GT(elsewhere.worst_step.z, 3);
}

TEST(Quality, FindsACut) {
  const Report r = measure(60, [](int t, double x, double y) {
    return t < 25 ? texture(x - t, y) : 220 - texture(y + t, 90 - x);
  });
  EXPECT_EQ(r.cuts, std::vector<int64_t>{25});
}

TEST(Quality, FindsAClipThatRepeatsItself) {
  const Report r =
      measure(120, [](int t, double x, double y) { return texture(x - 2.0 * (t % 36), 0.4 * y); });
  EXPECT_NEAR(r.repeat_seconds, 3.0, 0.2);
  const Report once = measure(120, [](int t, double x, double y) {
    return texture(0.4 * x - 0.5 * t, 0.4 * y) + 0.2 * x * std::sin(0.02 * t);
  });
  EXPECT_EQ(once.repeat_seconds, 0);
}

TEST(Quality, FindsARippleOfTheLatentFrames) {
  const Report r = measure(
      60, [](int t, double x, double y) { return texture(x - t, y) + (t % 4 == 0 ? 4 : 0); });
  EXPECT_GT(r.quarter_cycle, 0.4);
  EXPECT_LT(measure(48, [](int t, double x, double y) { return texture(x - t, y); }).quarter_cycle,
            0.3);
}

TEST(Quality, OneFrameIsAClipAndNoneIsAnError) {
  EXPECT_EQ(measure(1, [](int, double x, double y) { return texture(x, y); }).frames, 1);
  EXPECT_THROW(Meter(12).finish({}), Error);
}

}  // namespace
}  // namespace genvid::quality
