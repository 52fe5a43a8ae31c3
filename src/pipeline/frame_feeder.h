// Decoded tensors to a FrameSink: range, crop, trim. No copy besides the move to the host.
#pragma once

#include "genvid/frame_sink.h"
#include "tensor/tensor.h"

namespace genvid {

class FrameFeeder {
 public:
  // spec: what is delivered; a larger decoded picture is centre-cropped, later frames are dropped.
  FrameFeeder(FrameSink& sink, const FrameSpec& spec);

  // frames [1, 3, f, H, W] in [-1, 1], any dtype and device. Throws Error(kNumerical) on a value
  // that is not finite.
  void write(const Tensor& frames);
  bool complete() const { return next_ >= spec_.frames; }
  int64_t written() const { return written_; }
  // After a failed decode: frames come again from the first one; those already written are skipped.
  void restart() { next_ = 0; }

 private:
  FrameSink& sink_;
  FrameSpec spec_;
  bool begun_ = false;
  int64_t next_ = 0;     // index of the next frame to arrive
  int64_t written_ = 0;  // frames the sink has
};

}  // namespace genvid
