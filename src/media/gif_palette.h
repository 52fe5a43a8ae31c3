// A clip reduced to one palette of at most 255 colours, as GIF needs: frames wait in an unnamed
// temporary file until all colours are known, so memory does not grow with the clip. Colours come
// from the whole clip (median cut); an ordered pattern stands for those between them, since it
// stays where it is while nothing moves, and so costs no bytes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "genvid/frame_sink.h"
#include "media/av.h"

namespace genvid::media {

// Counts colours, then chooses some.
class PaletteMaker {
 public:
  PaletteMaker();
  void count(const uint8_t* rgb, size_t pixels);
  // At most `most` colours as 0xRRGGBB.
  std::vector<uint32_t> choose(size_t most) const;

  struct Bin {  // a cube of 8 x 8 x 8 colours
    uint64_t count = 0;
    std::array<uint64_t, 3> sum{};
  };

 private:
  std::vector<Bin> bins_;
};

class GifPalette {
 public:
  // folder: where the temporary file lies. Throws Error(kOutput).
  GifPalette(int width, int height, std::string folder);
  ~GifPalette();
  GifPalette(const GifPalette&) = delete;
  GifPalette& operator=(const GifPalette&) = delete;

  void add(const FrameView& view);
  // All frames again, as PAL8 with pts and duration set.
  void replay(const std::function<void(AVFrame*)>& on_frame);

 private:
  void choose_palette();
  void map(AVFrame* frame) const;
  uint8_t nearest(int r, int g, int b) const;

  int width_, height_;
  std::string folder_;
  int fd_ = -1;
  int64_t frames_ = 0;
  std::vector<uint8_t> rgb_;  // one frame
  PaletteMaker maker_;
  std::vector<uint32_t> palette_;
  std::vector<uint8_t> nearest_;  // palette entry by the upper 6 bits of each colour
  int spread_ = 0;                // of the pattern, in levels
};

}  // namespace genvid::media
