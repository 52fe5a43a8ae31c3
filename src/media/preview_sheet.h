// A contact sheet: up to twelve frames of the clip, evenly spread, as one PNG beside the output.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/atomic_file.h"
#include "genvid/frame_sink.h"
#include "media/plane_resize.h"
#include "media/video_writer.h"

namespace genvid::media {

class PreviewSheet {
 public:
  // spec: of the frames that will come. Opens the file beside options.preview.
  // Throws Error(kUsage or kOutput).
  PreviewSheet(const OutputOptions& options, const FrameSpec& spec);

  void add(int64_t n, const FrameView& frame);  // all, in order; it takes those it wants
  void commit();

 private:
  static constexpr int kColumns = 4, kMostCells = 12, kMostWidth = 320, kGap = 4;

  OutputOptions options_;
  int64_t frames_;
  int cells_ = 0;
  int next_ = 0;
  Size cell_, sheet_;
  std::optional<PlaneResizer> resizer_;
  std::vector<float> picture_;  // one cell
  std::vector<float> planes_;   // the sheet: G, B, R
  AtomicFile file_;
};

}  // namespace genvid::media
