// Where finished frames go. Sits below both the pipeline and media, so neither includes the other.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "genvid/types.h"

namespace genvid {

enum class FrameLayout {
  kGbrpF32,  // three float planes in [0,1], in the order G, B, R, as AV_PIX_FMT_GBRPF32
};

struct FrameSpec {
  int width = 0;
  int height = 0;
  Rational fps;
  int64_t frames = 0;  // exactly this many writes follow, unless the run fails
  FrameLayout layout = FrameLayout::kGbrpF32;
  bool loops = false;  // the last frame flows into the first
};

// One frame. The planes stay valid while keep_alive lives, so a sink may queue frames without
// copying them. Strides are in bytes and may exceed width * 4 (a crop is only a pointer).
struct FrameView {
  std::array<const void*, 3> plane{};
  std::array<ptrdiff_t, 3> stride{};
  std::shared_ptr<const void> keep_alive;
};

// begin, then write per frame in order, then finish; all from one thread. Errors surface as
// genvid::Error in write() and finish(); a destructor only releases, leaving nothing under the
// final name when finish() did not return.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual void begin(const FrameSpec& spec) = 0;
  virtual void write(const FrameView& frame) = 0;
  virtual void finish() = 0;
};

}  // namespace genvid
