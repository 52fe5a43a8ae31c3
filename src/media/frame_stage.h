// What happens to a frame between the maker and the encoder: scaling to the output's size, then the
// invisible mark, on planes of its own.
#pragma once

#include <memory>
#include <vector>

#include "genvid/frame_sink.h"
#include "media/plane_resize.h"
#include "media/video_writer.h"

namespace genvid::media {

class FrameStage {
 public:
  // from: the clip as it comes; to: as it is written.
  FrameStage(const FrameSpec& from, const FrameSpec& to, const std::optional<Watermark>& mark);

  // Valid until the next call. Without scaling and mark the frame itself.
  FrameView process(const FrameView& in);

 private:
  Size size_;
  std::unique_ptr<PlaneResizer> resizer_;
  std::unique_ptr<WatermarkEmbedder> embedder_;
  std::vector<float> planes_;
};

// How many times frame n of the clip is written so that it plays at another rate: each moment of
// the output shows the frame that the clip shows then.
int64_t repeats_of(int64_t n, const FrameSpec& from, const FrameSpec& to);

}  // namespace genvid::media
