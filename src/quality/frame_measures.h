// Numbers of one frame and of its step from the frame before: all that a report needs, so that no
// frame is held.
#pragma once

#include <array>

#include "genvid/types.h"
#include "quality/motion.h"

namespace genvid::quality {

inline constexpr int kThumbSide = 16;
// Luma, then two colour differences, each kThumbSide^2 and about a mean of zero.
using Thumb = std::array<float, 3 * kThumbSide * kThumbSide>;

// Luma 0..255, BT.709.
struct FrameMeasures {
  float luma = 0;        // mean
  float contrast = 0;    // standard deviation of luma
  float saturation = 0;  // mean of (max - min) of R, G, B
  float sharpness = 0;   // variance of the Laplacian of luma
  float clipped = 0;     // share of pixels that are 0 or 255 in all channels
  // Against the frame before; 0 for the first frame.
  float step = 0;        // mean absolute difference of luma
  float still_step = 0;  // the same over blocks that do not move
  float residual = 0;    // mean absolute difference after motion compensation
  float speed = 0;       // mean motion of the fastest 5 % of blocks, in widths a frame
  GlobalMotion camera;   // in pixels of the small picture, `width` wide
  // The same of one frame, measured over several: known of the last of every so many. Blocks are
  // matched to whole pixels first, so that less than half a pixel a frame reads as too little.
  GlobalMotion slow_camera;
};

class FrameMeter {
 public:
  // span: frames over which a slow camera is measured; 0: it is not.
  explicit FrameMeter(int span = 0) : span_(span) {}

  // Frames of one size, RGB, at most some 320 pixels wide.
  FrameMeasures measure(const Image& frame);
  const Thumb& thumb() const { return thumb_; }  // of the last frame
  // Of the pictures that motion is measured in.
  int width() const { return before_.width; }
  int height() const { return before_.height; }

 private:
  void measure_slow_camera(const Grey& luma, FrameMeasures& m);

  int span_, since_ = 0;
  Grey before_, earlier_;
  Thumb thumb_{};
};

}  // namespace genvid::quality
