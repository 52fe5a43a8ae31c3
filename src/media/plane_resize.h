// Scaling float planes with Lanczos (a = 3), antialiased when they shrink.
#pragma once

#include <cstddef>
#include <vector>

#include "genvid/types.h"

namespace genvid::media {

class PlaneResizer {
 public:
  PlaneResizer(Size in, Size out);

  // stride: of the input, in bytes. The output is tightly packed.
  void resize(const void* in, ptrdiff_t stride, float* out);

 private:
  struct Taps {  // of every output sample: `count` inputs from first[i], clamped to the plane
    int count = 0;
    std::vector<int> first;
    std::vector<float> weights;  // [out][count]
  };
  static Taps make_taps(int in, int out);

  Size in_, out_;
  Taps columns_, rows_;
  std::vector<float> line_;  // one row, scaled in height only
};

}  // namespace genvid::media
