// genvid quality FILE [--json]: measures of a clip that need no learned network.
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "core/log.h"
#include "genvid/error.h"
#include "jobs/record.h"
#include "media/probe.h"
#include "media/video_reader.h"
#include "quality/report.h"

namespace genvid::cli {
namespace {

struct QualityFlags {
  std::string file;
  std::vector<int64_t> borders;
  bool json = false;
};

// Where the record in the file says that chunks meet ("borders") or scenes change ("cuts"); none
// for other files.
std::vector<int64_t> recorded(const media::FileInfo& info, const char* what) {
  const Json record = record_in(info.tags);
  std::vector<int64_t> out;
  if (!record.is_object() || !record.contains(what)) return out;
  for (const Json& b : record.at(what)) {
    if (b.is_number_integer()) out.push_back(b.get<int64_t>());
  }
  return out;
}

void print_text(const std::string& file, const quality::Report& r) {
  const auto line = [](const char* name, const std::string& text) {
    std::printf("%-13s %s\n", name, text.c_str());
  };
  const auto number = [](const char* format, auto... v) {
    char text[160];
    std::snprintf(text, sizeof text, format, v...);
    return std::string(text);
  };
  line("file", log::printable(file));
  line("length", number("%lld frames, %.3f s", static_cast<long long>(r.frames),
                        static_cast<double>(r.frames) / r.fps));
  line("valid", number("black %.0f %%, plain %.0f %%, frozen %.0f %%", 100 * r.black,
                       100 * r.constant, 100 * r.frozen));
  line("flicker",
       number("%.2f of 255 where nothing moves; 4-frame ripple %.2f", r.flicker, r.quarter_cycle));
  line("smoothness", number("%.4f", r.smoothness));
  line("motion", number("%.3f widths a second, %s", r.speed, r.dynamic ? "dynamic" : "calm"));
  line("camera", number("%s (%+.3f, %+.3f widths and %+.3f zoom a second)", r.camera.c_str(),
                        r.camera_dx, r.camera_dy, r.camera_zoom));
  line("drift", number("luma %+.1f %%, contrast %+.1f %%, saturation %+.1f %%, sharpness %+.1f %%",
                       100 * r.drift_luma, 100 * r.drift_contrast, 100 * r.drift_saturation,
                       100 * r.drift_sharpness));
  std::string seams;
  for (const quality::Seam& s : r.seams) {
    seams +=
        number("%s%lld (z %.1f)", seams.empty() ? "" : ", ", static_cast<long long>(s.frame), s.z);
  }
  line("seams", seams.empty() ? "no known borders" : seams);
  line("worst step",
       number("frame %lld (z %.1f)", static_cast<long long>(r.worst_step.frame), r.worst_step.z));
  line("consistency", number("%.3f", r.consistency));
  line("loop", number("last to first %.2f, between neighbours %.2f", r.loop_step, r.median_step));
  for (const std::string& f : r.findings) line("found", f);
  if (r.findings.empty()) line("found", "nothing that stands out");
}

int quality_command(const QualityFlags& f) {
  const media::FileInfo info = media::probe(f.file);
  if (!(info.fps.value() > 0)) {
    throw Error(ErrorKind::kUsage, f.file + " states no frame rate: it is not a video");
  }
  quality::Meter meter(info.fps.value());
  media::ReadOptions options;
  options.max_width = quality::kMeasuredWidth;
  media::for_each_frame(f.file, options, [&](Image&& frame) { meter.push(frame); });
  const quality::Report report = meter.finish(
      f.borders.empty() ? recorded(info, "borders") : f.borders, recorded(info, "cuts"));
  if (f.json) {
    Json out = quality::to_json(report);
    out["file"] = f.file;
    std::printf("%s\n", out.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    print_text(f.file, report);
  }
  return 0;
}

}  // namespace

Command add_quality(CLI::App& app) {
  const auto flags = std::make_shared<QualityFlags>();
  app.add_option("FILE", flags->file, "Video file")->required();
  app.add_option("--borders", flags->borders,
                 "First frames of chunks made apart, e.g. 81,161; default: what genvid recorded")
      ->delimiter(',');
  app.add_flag("--json", flags->json, "As JSON");
  return [flags] { return quality_command(*flags); };
}

}  // namespace genvid::cli
