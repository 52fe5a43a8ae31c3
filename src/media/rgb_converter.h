// Decoded frames to 8-bit RGB, full range: the matrix from the frame's tags, BT.601 for untagged
// stills and small video, else BT.709.
#pragma once

#include "genvid/types.h"
#include "media/av.h"

namespace genvid::media {

class RgbConverter {
 public:
  // Bicubic; area averages when `size` is smaller than the frame. The scaler is kept for frames
  // that are alike. Throws Error(kUsage).
  Image convert(const AVFrame& frame, AVCodecID id, Size size);

 private:
  struct Key {
    int width = 0, height = 0, format = -1, space = 0, range = 0;
    Size size;
    bool operator==(const Key&) const = default;
  };
  av::Scaler scaler_;
  Key key_;
};

}  // namespace genvid::media
