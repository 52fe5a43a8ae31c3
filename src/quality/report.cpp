#include "quality/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "genvid/error.h"
#include "quality/series.h"

namespace genvid::quality {
namespace {

constexpr size_t kMaxThumbs = 512;
constexpr int64_t kReach = 8;  // frames around a border that it is compared with

// Cosine of two thumbnails; 1 for two that are equally plain.
double similarity(const Thumb& a, const Thumb& b) {
  double ab = 1e-3, aa = 1e-3, bb = 1e-3;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += static_cast<double>(a[i]) * b[i];
    aa += static_cast<double>(a[i]) * a[i];
    bb += static_cast<double>(b[i]) * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

using Series = std::vector<FrameMeasures>;

template <typename Get>
std::vector<double> values(const Series& series, Get get) {
  std::vector<double> out;
  for (const FrameMeasures& m : series) out.push_back(get(m));
  return out;
}

template <typename Test>
double share(const Series& series, size_t from, Test test) {
  if (series.size() <= from) return 0;
  int64_t n = 0;
  for (size_t i = from; i < series.size(); ++i) n += test(series[i]) ? 1 : 0;
  return static_cast<double>(n) / static_cast<double>(series.size() - from);
}

template <typename Get>
double drift(const Series& series, Get get, double least) {
  const size_t n = std::max<size_t>(1, series.size() * 15 / 100);
  std::vector<double> all = values(series, get);
  const double first = mean({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)});
  const double last = mean({all.end() - static_cast<std::ptrdiff_t>(n), all.end()});
  return (last - first) / std::max(first, least);
}

void measure_validity(const Series& s, Report& r) {
  r.constant = share(s, 0, [](const FrameMeasures& m) { return m.contrast < 1; });
  r.black = share(s, 0, [](const FrameMeasures& m) { return m.luma < 4 && m.contrast < 3; });
  r.frozen = share(s, 1, [](const FrameMeasures& m) { return m.step < 0.3f; });
  const size_t n = std::max<size_t>(1, s.size() * 15 / 100);
  const auto clipped = values(s, [](const FrameMeasures& m) { return m.clipped; });
  r.clipped_first = mean({clipped.begin(), clipped.begin() + static_cast<std::ptrdiff_t>(n)});
  r.clipped_last = mean({clipped.end() - static_cast<std::ptrdiff_t>(n), clipped.end()});
}

void measure_motion(const Series& s, Report& r, Size thumb_of_motion) {
  const Series steps(s.begin() + (s.empty() ? 0 : 1), s.end());
  r.flicker = mean(values(steps, [](const FrameMeasures& m) { return m.still_step; }));
  r.quarter_cycle = quarter_cycle_share(values(s, [](const FrameMeasures& m) { return m.luma; }));
  r.smoothness = 1 - median(values(steps, [](const FrameMeasures& m) { return m.residual; })) / 255;
  r.speed = r.fps * mean(values(steps, [](const FrameMeasures& m) { return m.speed; }));
  // VBench: faster than 6/256 of the short side between pictures an eighth of a second apart.
  const double side = std::min(thumb_of_motion.width, thumb_of_motion.height);
  const double needed = 6.0 / 256 * side / thumb_of_motion.width * 8 / r.fps;
  r.dynamic_share =
      share(steps, 0, [&](const FrameMeasures& m) { return m.speed > static_cast<float>(needed); });
  r.dynamic = r.dynamic_share >= 0.25;
  r.median_step = median(values(steps, [](const FrameMeasures& m) { return m.step; }));
}

// What the camera does from one frame to the next, of all that is known; known: anything is.
template <typename Middle>
GlobalMotion usual_motion(const Series& s, GlobalMotion FrameMeasures::*what, Middle middle) {
  std::vector<double> dx, dy, zoom;
  for (const FrameMeasures& m : s) {
    const GlobalMotion& g = m.*what;
    if (!g.known) continue;
    dx.push_back(g.dx);
    dy.push_back(g.dy);
    zoom.push_back(g.zoom);
  }
  return {middle(dx), middle(dy), middle(zoom), !dx.empty()};
}

void measure_camera(const Series& s, Report& r, int width) {
  GlobalMotion camera = usual_motion(s, &FrameMeasures::camera, mean);
  // Cuts are few among the steps, but stand out in longer ones.
  const GlobalMotion slow = usual_motion(s, &FrameMeasures::slow_camera, median);
  const double pixels =
      std::max({std::fabs(camera.dx), std::fabs(camera.dy), 0.25 * width * std::fabs(camera.zoom)});
  if (slow.known && pixels < 0.5) camera = slow;
  r.camera = "unknown";
  if (!camera.known) return;
  r.camera_dx = camera.dx * r.fps / width;
  r.camera_dy = camera.dy * r.fps / width;
  r.camera_zoom = camera.zoom * r.fps;
  // What each does to the picture, in widths a second; a zoom moves a point by its distance. In a
  // long clip a slower one, too, comes to much.
  const double seconds = static_cast<double>(r.frames) / r.fps;
  const double least = std::clamp(0.09 / seconds, 0.0015, 0.0045);
  const double pan = std::fabs(r.camera_dx), tilt = std::fabs(r.camera_dy);
  const double growth = 0.25 * std::fabs(r.camera_zoom);
  if (std::max({pan, tilt, growth}) < least) {
    r.camera = "static";
  } else if (growth >= pan && growth >= tilt) {
    r.camera = r.camera_zoom > 0 ? "zoom in" : "zoom out";
  } else if (pan >= tilt) {
    r.camera = r.camera_dx > 0 ? "pan left" : "pan right";
  } else {
    r.camera = r.camera_dy > 0 ? "tilt up" : "tilt down";
  }
}

// A new scene: nothing in the frame before explains it.
void find_cuts(const Series& s, const std::vector<double>& to_before, Report& r) {
  const auto residual = values(s, [](const FrameMeasures& m) { return m.residual; });
  const double usual = median(residual);
  for (size_t i = 1; i < s.size(); ++i) {
    if (residual[i] > 6 && residual[i] > 3 * usual && to_before[i] < 0.6) {
      r.cuts.push_back(static_cast<int64_t>(i));
    }
  }
}

// A decoder that remembers frames may show a cut some frames late.
bool near(const std::vector<int64_t>& cuts, int64_t frame) {
  return std::any_of(cuts.begin(), cuts.end(),
                     [&](int64_t cut) { return frame >= cut && frame < cut + 4; });
}

void measure_seams(const Series& s, std::vector<int64_t> borders,
                   const std::vector<int64_t>& wanted_cuts, Report& r) {
  std::sort(borders.begin(), borders.end());
  const auto step = values(s, [](const FrameMeasures& m) { return m.step; });
  std::vector<double> luma(s.size());
  for (size_t i = 1; i < s.size(); ++i) luma[i] = std::fabs(s[i].luma - s[i - 1].luma);
  const auto z = [&](int64_t at) {
    return std::max(z_score(step, at, kReach, borders), z_score(luma, at, kReach, borders));
  };
  for (const int64_t b : borders) {
    if (b > 0 && b < static_cast<int64_t>(s.size())) r.seams.push_back({b, z(b)});
  }
  for (int64_t i = 1; i < static_cast<int64_t>(s.size()); ++i) {
    if (std::binary_search(borders.begin(), borders.end(), i)) continue;
    if (std::binary_search(r.cuts.begin(), r.cuts.end(), i) || near(wanted_cuts, i)) continue;
    const double here = z(i);
    if (here > r.worst_step.z) r.worst_step = {i, here};
  }
}

// By how much a curve rises again after its lowest point so far, and where most.
std::pair<size_t, double> largest_rise(const std::vector<double>& curve, size_t from) {
  std::pair<size_t, double> best{0, 0};
  double lowest = curve.empty() ? 0 : curve[0];
  for (size_t i = 0; i < curve.size(); ++i) {
    lowest = std::min(lowest, curve[i]);
    if (i >= from && curve[i] - lowest > best.second) best = {i, curve[i] - lowest};
  }
  return best;
}

void measure_repeats(const std::vector<Thumb>& thumbs, int64_t stride,
                     const std::vector<double>& to_first, Report& r) {
  std::vector<double> by_lag;
  for (size_t lag = 0; lag + 8 < thumbs.size(); ++lag) {
    double sum = 0;
    for (size_t i = 0; i + lag < thumbs.size(); ++i) sum += similarity(thumbs[i], thumbs[i + lag]);
    by_lag.push_back(sum / static_cast<double>(thumbs.size() - lag));
  }
  // Comes back: nearly the same picture again, after one that was not.
  const double step = static_cast<double>(stride) / r.fps;
  double lowest = 1, best = 0.9;
  for (size_t lag = 0; lag < by_lag.size(); ++lag) {
    lowest = std::min(lowest, by_lag[lag]);
    const double rise = by_lag[lag] - lowest;
    const bool late = static_cast<double>(lag) * step >= 2;
    if (late && rise > 0.1 && by_lag[lag] > best) {
      best = by_lag[lag] + 0.02;  // a later lag must be clearly better: multiples of it are alike
      r.repeat_seconds = static_cast<double>(lag) * step;
      r.repeat_rise = rise;
    }
  }
  r.return_rise = largest_rise(to_first, static_cast<size_t>(std::ceil(2 * r.fps))).second;
}

std::string percent(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.0f %%", 100 * value);
  return text;
}

void tell(const std::vector<int64_t>& wanted_cuts, Report& r) {
  const auto say = [&](bool when, const std::string& what) {
    if (when) r.findings.push_back(what);
  };
  say(r.black > 0.5, "most frames are black");
  say(r.constant > 0.05, percent(r.constant).substr(1) + " of the frames are one plain colour");
  say(r.frozen > 0.5,
      "the picture stands still in " + percent(r.frozen).substr(1) + " of the steps");
  say(r.clipped_last - r.clipped_first > 0.05, "more and more pixels burn in or drown");
  const auto drifts = [&](double value, const char* what) {
    say(std::fabs(value) > 0.1,
        std::string(what) + " drifts by " + percent(value) + " from the start to the end");
  };
  drifts(r.drift_luma, "brightness");
  drifts(r.drift_contrast, "contrast");
  drifts(r.drift_saturation, "saturation");
  drifts(r.drift_sharpness, "sharpness");
  for (const Seam& s : r.seams) {
    char text[96];
    std::snprintf(text, sizeof text, "a seam at frame %lld (z %.1f)",
                  static_cast<long long>(s.frame), s.z);
    say(s.z >= 3, text);
  }
  for (const int64_t c : r.cuts) {
    say(!near(wanted_cuts, c), "a cut at frame " + std::to_string(c));
  }
  say(r.quarter_cycle > 0.5, "brightness ripples every 4 frames");
  char text[96];
  std::snprintf(text, sizeof text, "the clip repeats itself every %.1f s", r.repeat_seconds);
  say(r.repeat_seconds > 0, text);
}

}  // namespace

// A second: what is slow moves by some pixels then, and of less than one too little is seen.
Meter::Meter(double fps)
    : fps_(fps), meter_(static_cast<int>(std::lround(std::clamp(fps, 2.0, 1000.0)))) {}

void Meter::keep_thumb(const Thumb& thumb) {
  const auto index = static_cast<int64_t>(series_.size()) - 1;
  if (index % stride_ != 0) return;
  thumbs_.push_back(thumb);
  if (thumbs_.size() <= kMaxThumbs) return;
  for (size_t i = 0; 2 * i < thumbs_.size(); ++i) thumbs_[i] = thumbs_[2 * i];
  thumbs_.resize((thumbs_.size() + 1) / 2);
  stride_ *= 2;
}

void Meter::push(const Image& frame) {
  series_.push_back(meter_.measure(frame));
  const Thumb& thumb = meter_.thumb();
  if (series_.size() == 1) {
    first_ = before_ = thumb;
    first_frame_ = frame;
  }
  to_before_.push_back(similarity(thumb, before_));
  to_first_.push_back(similarity(thumb, first_));
  similarity_ += 0.5 * (to_before_.back() + to_first_.back());
  before_ = thumb;
  last_frame_ = frame;
  keep_thumb(thumb);
}

Report Meter::finish(const std::vector<int64_t>& borders,
                     const std::vector<int64_t>& wanted_cuts) const {
  if (series_.empty()) throw Error(ErrorKind::kUsage, "the clip has no frames");
  Report r;
  r.frames = static_cast<int64_t>(series_.size());
  r.fps = fps_;
  measure_validity(series_, r);
  const Size motion{meter_.width(), meter_.height()};
  measure_motion(series_, r, motion);
  measure_camera(series_, r, motion.width);
  r.drift_luma = drift(
      series_, [](const FrameMeasures& m) { return m.luma; }, 8);
  r.drift_contrast = drift(
      series_, [](const FrameMeasures& m) { return m.contrast; }, 4);
  r.drift_saturation = drift(
      series_, [](const FrameMeasures& m) { return m.saturation; }, 8);
  r.drift_sharpness = drift(
      series_, [](const FrameMeasures& m) { return m.sharpness; }, 4);
  find_cuts(series_, to_before_, r);
  measure_seams(series_, borders, wanted_cuts, r);
  r.consistency = similarity_ / static_cast<double>(series_.size());
  measure_repeats(thumbs_, stride_, to_first_, r);
  FrameMeter around;
  around.measure(last_frame_);
  r.loop_step = around.measure(first_frame_).step;
  tell(wanted_cuts, r);
  return r;
}

Json to_json(const Report& r) {
  Json seams = Json::array();
  double worst = 0;
  for (const Seam& s : r.seams) {
    seams.push_back({{"frame", s.frame}, {"z", s.z}});
    worst = std::max(worst, s.z);
  }
  return {
      {"frames", r.frames},
      {"fps", r.fps},
      {"validity",
       {{"constant", r.constant},
        {"black", r.black},
        {"frozen", r.frozen},
        {"clipped_first", r.clipped_first},
        {"clipped_last", r.clipped_last}}},
      {"flicker", {{"still", r.flicker}, {"quarter_cycle", r.quarter_cycle}}},
      {"smoothness", r.smoothness},
      {"dynamic_degree", {{"speed", r.speed}, {"share", r.dynamic_share}, {"dynamic", r.dynamic}}},
      {"drift",
       {{"luma", r.drift_luma},
        {"contrast", r.drift_contrast},
        {"saturation", r.drift_saturation},
        {"sharpness", r.drift_sharpness}}},
      {"seams", seams},
      {"worst_seam_z", worst},
      {"worst_step", {{"frame", r.worst_step.frame}, {"z", r.worst_step.z}}},
      {"cuts", r.cuts},
      {"consistency", r.consistency},
      {"repeats",
       {{"seconds", r.repeat_seconds}, {"rise", r.repeat_rise}, {"to_start", r.return_rise}}},
      {"camera",
       {{"direction", r.camera},
        {"dx", r.camera_dx},
        {"dy", r.camera_dy},
        {"zoom", r.camera_zoom}}},
      {"loop", {{"last_to_first", r.loop_step}, {"median_step", r.median_step}}},
      {"findings", r.findings}};
}

}  // namespace genvid::quality
