// Where overlapping windows lie in a clip: for the engine that runs them and the plan that counts
// them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace genvid {

struct WindowPlan {
  int64_t frames = 0;           // latent frames of the clip
  int64_t window = 0;           // latent frames of one window
  int64_t overlap = 0;          // latent frames that neighbours share at least
  std::vector<int64_t> starts;  // evenly spaced, first 0, last frames - window
  bool ring = false;            // windows go around; a start is anywhere below frames
};

// One window when the clip fits. overlap < window.
WindowPlan plan_windows(int64_t frames, int64_t window, int64_t overlap);

// A clip whose end flows into its start. The windows of a step lie between those of the steps
// before, so that where they begin and end is nowhere for long (Mobius, Bi et al. 2025, for one
// window). One window when the clip fits.
WindowPlan plan_ring(int64_t frames, int64_t window, int64_t overlap, int64_t step);

// Where windows begin that follow one another, in new latent frames: each shares the latest
// `overlap` of what was there before it, of which `past` lie before the clip. The first one makes
// `first` (0: what fills a window).
std::vector<int64_t> extension_starts(int64_t frames, int64_t window, int64_t overlap,
                                      int64_t first, int64_t past);

// Frames of each clip in the chain: the first has `window` frames at most, every later one repeats
// its first frame from the clip before and adds the rest; from_frame: so does the first. All are on
// the model's frame grid. evenly: none is much shorter than another, as one that leads to a picture
// must not be; else only the last one is.
std::vector<int64_t> chain_frames(int64_t frames, int64_t window, int temporal_factor,
                                  bool from_frame = false, bool evenly = false);

}  // namespace genvid
