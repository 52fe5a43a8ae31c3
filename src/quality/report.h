// What is wrong with a clip, told without any learned network: deterministic measures in the spirit
// of VBench's dimensions (Huang et al. 2023) with block matching for flow and thumbnails for
// features. Values compare clips with each other; they are no absolute grade.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json.h"
#include "genvid/types.h"
#include "quality/frame_measures.h"

namespace genvid::quality {

// Clips are looked at no wider than this; Meter takes any width.
inline constexpr int kMeasuredWidth = 320;

struct Seam {
  int64_t frame = 0;  // first frame of the new chunk
  double z = 0;       // its jump in deviations of the steps around it
};

struct Report {
  int64_t frames = 0;
  double fps = 0;
  // Shares of frames, 0..1.
  double constant = 0, black = 0, frozen = 0;
  double clipped_first = 0, clipped_last = 0;  // share of pixels at the ends of the range
  double flicker = 0;                          // mean change where nothing moves, 0..255
  double quarter_cycle = 0;  // share of the brightness ripple that repeats every 4 frames
  double smoothness = 0;     // 1 - (median change that motion does not explain) / 255
  double speed = 0;          // of the fastest 5 % of the picture, widths a second
  double dynamic_share = 0;  // share of steps as fast as VBench's rule for "dynamic"
  bool dynamic = false;
  // (last 15 % - first 15 %) / first 15 %
  double drift_luma = 0, drift_contrast = 0, drift_saturation = 0, drift_sharpness = 0;
  std::vector<Seam> seams;    // at the given borders
  Seam worst_step;            // anywhere that is neither border nor cut
  std::vector<int64_t> cuts;  // first frames of new scenes
  double consistency = 0;     // mean of similarity to the frame before and to the first, -1..1
  double repeat_seconds = 0;  // lag at which the clip comes back to itself; 0 = it does not
  double repeat_rise = 0;     // by how much similarity rises again at that lag
  double return_rise = 0;     // by how much similarity to the first frame rises again
  // Mean camera over the clip: widths a second (content moving right or down is positive: the
  // camera pans left or tilts up) and relative growth a second.
  double camera_dx = 0, camera_dy = 0, camera_zoom = 0;
  std::string camera;      // "static", "pan left", "tilt up", "zoom in" ...
  double loop_step = 0;    // last frame to first frame
  double median_step = 0;  // between neighbours

  std::vector<std::string> findings;  // plain sentences; empty = nothing stands out
};

Json to_json(const Report& report);

class Meter {
 public:
  explicit Meter(double fps);
  void push(const Image& frame);
  // borders: first frames of chunks that were made apart; wanted_cuts: of scenes that were asked
  // for. Throws Error(kUsage) for no frames.
  Report finish(const std::vector<int64_t>& borders,
                const std::vector<int64_t>& wanted_cuts = {}) const;

 private:
  void keep_thumb(const Thumb& thumb);

  double fps_;
  FrameMeter meter_;
  std::vector<FrameMeasures> series_;
  Thumb first_{}, before_{};
  double similarity_ = 0;  // sum over frames
  std::vector<double> to_before_, to_first_;
  // Every stride_-th thumbnail; the stride doubles when there are too many, so memory is bounded.
  std::vector<Thumb> thumbs_;
  int64_t stride_ = 1;
  Image first_frame_, last_frame_;
};

}  // namespace genvid::quality
