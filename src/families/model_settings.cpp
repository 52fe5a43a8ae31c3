#include "families/model_settings.h"

#include "core/data_dir.h"
#include "core/limits.h"
#include "core/parse_values.h"

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

void apply_settings(const Json& settings, const std::string& what, Traits& traits) {
  const JsonObject o(settings, what, kKind);
  if (o.integer("genvid", 1, 0, 1 << 30) != 1) {
    throw Error(kKind, what + ": \"genvid\" is not 1: the file is of a newer genvid");
  }
  if (o.has("size")) {
    const auto size = parse_size(o.string("size", ""));
    const auto good = [](int v) {
      return v >= limits::kMinSide && v <= limits::kMaxSide && v % 2 == 0;
    };
    if (!size || !good(size->width) || !good(size->height)) {
      throw Error(kKind, what + ": \"size\" must be like \"832x480\", even numbers from " +
                             std::to_string(limits::kMinSide) + " to " +
                             std::to_string(limits::kMaxSide));
    }
    traits.size = *size;
  }
  traits.seconds = o.number("seconds", traits.seconds, 0.001, 1e5);
  if (o.has("fps")) traits.fps = *rate_of(o.number("fps", 0, 1, limits::kMaxFps));
  traits.num_inference_steps =
      static_cast<int>(o.integer("num_inference_steps", traits.num_inference_steps, 1, limits::kMaxSteps));
  if (o.has("guidance_scale")) {
    traits.guidance_scale = o.number("guidance_scale", 0, 0, 100);
    traits.guidance_scale_2 = traits.guidance_scale;
  }
  traits.guidance_scale_2 = o.number("guidance_scale_2", traits.guidance_scale_2, 0, 100);
  traits.shift = o.number("shift", traits.shift, 1e-3, 1e3);
  traits.scheduler = o.string("scheduler", traits.scheduler);
  require_one_of(traits.scheduler, {"unipc", "euler", "euler-even"}, what, "scheduler");
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
