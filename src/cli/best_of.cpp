#include "cli/best_of.h"

#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "cli/session.h"
#include "core/image_resize.h"
#include "core/kept_names.h"
#include "core/safetensors.h"
#include "genvid/error.h"
#include "media/plane_resize.h"

namespace genvid::cli {
namespace {

namespace fs = std::filesystem;

constexpr double kEmptyScore = 1000;

Size measured_size(Size size) {
  if (size.width <= quality::kMeasuredWidth) return size;
  return {
      quality::kMeasuredWidth,
      std::max(1, static_cast<int>(int64_t{size.height} * quality::kMeasuredWidth / size.width))};
}

// Frames to measures; nothing is written.
class MeterSink final : public FrameSink {
 public:
  // past: frames that the clip goes on from, so that their seam counts.
  MeterSink(Rational fps, const std::vector<Image>& past, Size size)
      : meter_(fps.value()), small_(measured_size(size)) {
    for (const Image& image : past) {
      meter_.push(resize_image(crop_to_shape(image, size), small_, Resample::kLanczos));
    }
  }

  void begin(const FrameSpec& spec) override {
    resizer_.emplace(Size{spec.width, spec.height}, small_);
  }

  void write(const FrameView& frame) override {
    const size_t area = static_cast<size_t>(small_.width) * static_cast<size_t>(small_.height);
    std::vector<float> plane(area);
    Image image{small_.width, small_.height, std::vector<uint8_t>(3 * area)};
    constexpr size_t kRgbOfGbr[3] = {1, 2, 0};
    for (size_t p = 0; p < 3; ++p) {
      resizer_->resize(frame.plane[p], frame.stride[p], plane.data());
      for (size_t i = 0; i < area; ++i) {
        image.pixels[3 * i + kRgbOfGbr[p]] =
            static_cast<uint8_t>(std::lround(std::clamp(plane[i], 0.0f, 1.0f) * 255.0f));
      }
    }
    meter_.push(image);
  }

  void finish() override {}

  quality::Report report(const std::vector<int64_t>& borders) const {
    return meter_.finish(borders);
  }

 private:
  quality::Meter meter_;
  Size small_;
  std::optional<media::PlaneResizer> resizer_;
};

// Among the frames that are measured: the past that is looked at, then the clip.
std::vector<int64_t> measured_borders(const Plan& plan) {
  const auto past = static_cast<int64_t>(plan.spec.past.size());
  std::vector<int64_t> out;
  if (past > 0) out.push_back(past);
  for (const int64_t border : plan.borders) {
    if (border > plan.past_frames) out.push_back(border - plan.past_frames + past);
  }
  return out;
}

void remove_files(const std::string& prefix) {
  std::error_code error;
  for (int part = 0; fs::remove(kept_latents_path(prefix, part), error); ++part) continue;
  fs::remove(kept_sampling_path(prefix), error);
}

// To another prefix on the same disk.
void move_latents(const std::string& from, const std::string& to) {
  std::error_code error;
  for (int part = 0; !error; ++part) {
    fs::rename(kept_latents_path(from, part), kept_latents_path(to, part), error);
  }
}

// Whose latents these are, as the file says; what it holds is checked when it is used.
std::string key_in(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return "";
  try {
    const SafetensorsHeader header = read_safetensors_header(path);
    const auto key = header.metadata.find("key");
    return key == header.metadata.end() ? "" : key->second;
  } catch (const Error&) {
    return "";
  }
}

std::string make_folder(const std::string& output) {
  const fs::path parent =
      output == "-" ? fs::temp_directory_path() : fs::absolute(output).parent_path();
  std::string name = (parent / ".genvid-best-of.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorKind::kOutput, "cannot make a folder in " + parent.string() +
                                        " for the latents of --best-of; write elsewhere");
  }
  return name;
}

std::string text_of(const std::vector<SeedScore>& all, uint64_t best) {
  std::string out =
      "seed " + std::to_string(best) + " is the best of " + std::to_string(all.size()) + ":";
  for (const SeedScore& s : all) {
    char text[96];
    std::snprintf(text, sizeof text, " %llu scored %.2f (seams %.1f, drift %.0f %%)",
                  static_cast<unsigned long long>(s.seed), s.score, s.seam, 100 * s.drift);
    out += (&s == all.data() ? "" : ",") + std::string(text);
  }
  return out;
}

}  // namespace

SeedScore score_of(uint64_t seed, const quality::Report& r) {
  SeedScore out;
  out.seed = seed;
  for (const quality::Seam& s : r.seams) out.seam = std::max(out.seam, s.z);
  out.drift = (std::abs(r.drift_luma) + std::abs(r.drift_contrast) + std::abs(r.drift_saturation) +
               std::abs(r.drift_sharpness)) /
              4;
  out.score = out.seam / 3.0 + out.drift / 0.1;
  if (r.black > 0.5 || r.constant > 0.5 || r.frozen > 0.9) out.score += kEmptyScore;
  return out;
}

SeedChoice::SeedChoice(Engine& engine, const std::string& output, Plan& plan)
    : asked_(plan.spec.keep) {
  if (plan.candidates < 2) return;
  made_ = true;
  const bool kept = !asked_.prefix.empty();
  if (!kept) folder_ = make_folder(output);
  prefix_ = kept ? asked_.prefix : folder_ + "/clip";
  const uint64_t first = plan.spec.seed;
  for (int i = 0; kept && i < plan.candidates; ++i) {
    KeepSpec chosen = keep_of(first + static_cast<uint64_t>(i));
    if (key_in(kept_latents_path(prefix_, 0)) != chosen.key) continue;
    plan.spec.seed = first + static_cast<uint64_t>(i);
    plan.spec.keep = chosen;
    plan.spec.keep.prefix = prefix_;
    text_ = "seed " + std::to_string(plan.spec.seed) + " was chosen before";
    return;
  }
  scores_ = measure_all(engine, plan);
  const auto best =
      std::min_element(scores_.begin(), scores_.end(),
                       [](const SeedScore& a, const SeedScore& b) { return a.score < b.score; });
  plan.spec.seed = best->seed;
  plan.spec.keep = keep_of(best->seed);
  text_ = text_of(scores_, best->seed);
  for (const SeedScore& s : scores_) {
    if (s.seed != best->seed) remove_files(keep_of(s.seed).prefix);
  }
  if (!kept) return;
  move_latents(plan.spec.keep.prefix, prefix_);
  plan.spec.keep.prefix = prefix_;
}

SeedChoice::~SeedChoice() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Json SeedChoice::scores_json() const {
  Json out = Json::array();
  for (const SeedScore& s : scores_) {
    out.push_back({{"seed", s.seed}, {"score", s.score}, {"seam", s.seam}, {"drift", s.drift}});
  }
  return out;
}

KeepSpec SeedChoice::keep_of(uint64_t seed) const {
  KeepSpec keep = asked_;
  keep.prefix = prefix_ + "-seed" + std::to_string(seed);
  keep.key = asked_.key + " seed " + std::to_string(seed);
  return keep;
}

std::vector<SeedScore> SeedChoice::measure_all(Engine& engine, const Plan& plan) const {
  std::vector<SeedScore> all;
  for (int i = 0; i < plan.candidates; ++i) {
    ClipSpec spec = plan.spec;
    spec.seed += static_cast<uint64_t>(i);
    spec.keep = keep_of(spec.seed);
    spec.save_latents.clear();
    spec.rescue_latents.clear();
    MeterSink sink(spec.fps, spec.past, spec.size);
    try {
      engine.generate(spec, sink);
    } catch (const Error& e) {
      const bool last = i + 1 == plan.candidates;
      if (e.kind() != ErrorKind::kNumerical || (last && all.empty())) throw;
      warn("seed " + std::to_string(spec.seed) + " is out: " + e.what());
      remove_files(spec.keep.prefix);
      continue;
    }
    all.push_back(score_of(spec.seed, sink.report(measured_borders(plan))));
  }
  return all;
}

}  // namespace genvid::cli
