// Float planes to the encoder's pixel format: YUV through swscale with the BT.709 matrix, RGB by
// our own round-half-to-even (swscale's rounding differs by one in half the bytes).
#pragma once

#include "genvid/frame_sink.h"
#include "media/av.h"

namespace genvid::media {

// Colour as it is converted and tagged, on codec contexts and frames alike.
struct ColorTags {
  AVColorPrimaries primaries = AVCOL_PRI_BT709;
  AVColorTransferCharacteristic transfer = AVCOL_TRC_BT709;
  AVColorSpace space = AVCOL_SPC_BT709;
  AVColorRange range = AVCOL_RANGE_MPEG;
  AVChromaLocation chroma = AVCHROMA_LOC_LEFT;
};

// still: pictures (PNG) say sRGB, as viewers expect of them; video says BT.709.
ColorTags color_tags(AVPixelFormat format, bool still);

class FrameConverter {
 public:
  FrameConverter(int width, int height, AVPixelFormat format, const ColorTags& tags);

  // The next picture, tagged, with pts and duration set. Valid until the next call; an encoder that
  // keeps a reference makes the next call use new memory.
  AVFrame* convert(const FrameView& view, int64_t pts);

 private:
  void fresh_buffer();

  int width_, height_;
  AVPixelFormat format_;
  ColorTags tags_;
  av::Scaler scaler_;  // null for RGB
  av::Frame frame_;
};

}  // namespace genvid::media
