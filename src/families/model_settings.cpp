#include "families/model_settings.h"

#include <charconv>
#include <cmath>

#include "core/data_dir.h"
#include "core/limits.h"

namespace genvid {
namespace {

constexpr ErrorKind kKind = ErrorKind::kModel;

void require_one_of(const std::string& value, std::initializer_list<const char*> allowed,
                    const std::string& what, const std::string& key) {
  std::string list;
  for (const char* a : allowed) {
    if (value == a) return;
    list += std::string(list.empty() ? "" : ", ") + a;
  }
  throw Error(kKind, what + ": \"" + key + "\" is \"" + value + "\", expected one of: " + list);
}

}  // namespace

Rational to_frame_rate(double fps) {
  const double whole = std::round(fps);
  if (std::abs(fps - whole) < 1e-6) return {static_cast<int64_t>(whole), 1};
  // NTSC rates: 23.976, 29.97, 59.94.
  const double ntsc = whole * 1000.0 / 1001.0;
  if (whole >= 1 && std::abs(fps - ntsc) < 0.005) return {static_cast<int64_t>(whole) * 1000, 1001};
  int64_t num = std::llround(fps * 1000.0), den = 1000;
  for (const int64_t p : {int64_t{2}, int64_t{5}}) {
    while (num % p == 0 && den % p == 0) num /= p, den /= p;
  }
  return {num, den};
}

Size parse_size(const std::string& text, const std::string& what, ErrorKind kind) {
  Size size;
  const char* end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.width);
  bool good = width.ec == std::errc() && width.ptr != end && *width.ptr == 'x';
  if (good) {
    const auto height = std::from_chars(width.ptr + 1, end, size.height);
    good = height.ec == std::errc() && height.ptr == end && size.width > 0 && size.height > 0;
  }
  if (!good) {
    throw Error(kind,
                what + " is \"" + text.substr(0, 64) + "\", expected WIDTHxHEIGHT, e.g. 832x480");
  }
  return size;
}

void apply_settings(const Json& settings, const std::string& what, Traits& traits) {
  const JsonObject o(settings, what, kKind);
  if (o.integer("genvid", 1, 0, 1 << 30) != 1) {
    throw Error(kKind, what + ": \"genvid\" is not 1: the file is of a newer genvid");
  }
  const auto side = [](int v) {
    return v >= limits::kMinSide && v <= limits::kMaxSide && v % 2 == 0;
  };
  if (o.has("size")) {
    traits.size = parse_size(o.string("size", ""), what + ": \"size\"", kKind);
    if (!side(traits.size.width) || !side(traits.size.height)) {
      throw Error(kKind, what + ": \"size\" must be even numbers from " +
                             std::to_string(limits::kMinSide) + " to " +
                             std::to_string(limits::kMaxSide));
    }
  }
  traits.seconds = o.number("seconds", traits.seconds, 0.001, 1e5);
  if (o.has("fps")) traits.fps = to_frame_rate(o.number("fps", 0, 1, limits::kMaxFps));
  traits.num_inference_steps =
      static_cast<int>(o.integer("steps", traits.num_inference_steps, 1, limits::kMaxSteps));
  if (o.has("guidance_scale")) {
    traits.guidance_scale = o.number("guidance_scale", 0, 0, 100);
    traits.guidance_scale_2 = traits.guidance_scale;
  }
  traits.guidance_scale_2 = o.number("guidance_scale_2", traits.guidance_scale_2, 0, 100);
  traits.shift = o.number("shift", traits.shift, 1e-3, 1e3);
  traits.scheduler = o.string("scheduler", traits.scheduler);
  require_one_of(traits.scheduler, {"unipc", "euler"}, what, "scheduler");
  traits.dtype = o.string("dtype", traits.dtype);
  require_one_of(traits.dtype, {"", "auto", "fp32", "bf16"}, what, "dtype");
  if (traits.dtype == "auto") traits.dtype.clear();
  traits.negative_prompt = o.string("negative_prompt", traits.negative_prompt);
}

Json read_preset(const std::string& name) {
  if (name.empty() || data_dir().empty()) return Json::object();
  const std::filesystem::path path = data_dir() / "configs" / (name + ".json");
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Json::object();
  return read_json_file(path, kKind);
}

}  // namespace genvid
