#include "families/model_settings.h"

#include "core/data_dir.h"
#include "core/limits.h"
#include "core/log.h"
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
  throw Error(kKind, what + ": \"" + key + "\" is \"" + log::printable(value) +
                         "\", expected one of: " + list);
}

std::string frames_text(int64_t n) { return std::to_string(n) + " latent frames"; }

// Timesteps that fall from at most 1000 to more than 0.
std::vector<double> step_list(const JsonObject& o, const std::string& what) {
  const std::vector<double> list = o.numbers("timesteps", {}, limits::kMaxSteps);
  double last = 1000.0 + 1e-9;
  for (const double t : list) {
    if (!(t > 0 && t < last)) {
      throw Error(kKind, what + ": \"timesteps\" must fall from at most 1000 and end above 0");
    }
    last = t;
  }
  return list;
}

void apply_forcing(const JsonObject& o, const std::string& what, Traits& traits) {
  if (!traits.forcing) {
    throw Error(kKind, what +
                           ": diffusion-forcing is for checkpoints trained with a noise level of "
                           "its own in every latent frame; take the rollout out");
  }
  ForcingRollout& f = *traits.forcing;
  f.base_num_frames = o.integer("base_num_frames", f.base_num_frames, 1, 1 << 16);
  f.overlap_history = o.integer("overlap_history", f.overlap_history, 1, 1 << 16);
  f.causal_block_size = o.integer("causal_block_size", f.causal_block_size, 1, 1024);
  f.ar_step = o.integer("ar_step", f.ar_step, 0, limits::kMaxSteps);
  f.addnoise_condition = o.number("addnoise_condition", f.addnoise_condition, 0, 1000);
}

SceneCut scene_cut(const Json& settings, const std::string& what, const CausalRollout& c) {
  const JsonObject o(settings, what, kKind);
  SceneCut cut;
  cut.offset = o.require_integer("offset", 0, 1024);
  cut.prompt_prefix = o.string("prompt_prefix", "");
  if (c.recache) {
    throw Error(kKind, what +
                           " goes with \"recache\": false: what a scene left behind is not made "
                           "again under the next one's prompt");
  }
  if (c.sink > 0 && c.window < c.sink + 2 * c.block) {
    throw Error(kKind, what + " keeps the first block of a scene, for which the window of " +
                           frames_text(c.window) + " has no room; it must be at least " +
                           std::to_string(c.sink + 2 * c.block));
  }
  return cut;
}

void apply_rollout(const Json& settings, const std::string& what, Traits& traits) {
  const JsonObject o(settings, what, kKind);
  const std::string kind = o.has("kind") ? o.string("kind", "") : "";
  if (kind == "diffusion-forcing") return apply_forcing(o, what, traits);
  if (kind != "causal") return;  // a family's own
  CausalRollout c;
  c.block = o.require_integer("block", 1, 1024);
  c.window = o.require_integer("window", 1, 1 << 16);
  c.sink = o.integer("sink", 0, 0, 1 << 16);
  c.timesteps = step_list(o, what);
  const auto whole = [&](const char* name, int64_t value) {
    if (value % c.block == 0) return;
    throw Error(kKind, what + ": \"" + name + "\" is " + frames_text(value) +
                           ", but must be a multiple of the block's " + std::to_string(c.block));
  };
  whole("window", c.window);
  whole("sink", c.sink);
  if (c.window < c.sink + c.block) {
    throw Error(kKind, what + ": \"window\" is " + frames_text(c.window) + ", but the sink's " +
                           std::to_string(c.sink) + " and one block of " + std::to_string(c.block) +
                           " need " + std::to_string(c.sink + c.block));
  }
  c.recache = o.boolean("recache", true);
  if (o.has("cut")) c.cut = scene_cut(settings.at("cut"), what + ": cut", c);
  if (!c.timesteps.empty()) traits.num_inference_steps = static_cast<int>(c.timesteps.size());
  traits.causal = c;
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
  traits.num_inference_steps = static_cast<int>(
      o.integer("num_inference_steps", traits.num_inference_steps, 1, limits::kMaxSteps));
  if (o.has("guidance_scale")) {
    traits.guidance_scale = o.number("guidance_scale", 0, 0, 100);
    traits.guidance_scale_2 = traits.guidance_scale;
  }
  traits.guidance_scale_2 = o.number("guidance_scale_2", traits.guidance_scale_2, 0, 100);
  traits.drafts = o.integer("drafts", traits.drafts, 1, limits::kMaxCandidates);
  traits.first_steps =
      static_cast<int>(o.integer("first_steps", traits.first_steps, 0, limits::kMaxSteps));
  traits.first_eta = o.number("first_eta", traits.first_eta, 0, 1);
  traits.first_redrawn =
      static_cast<int>(o.integer("first_redrawn", traits.first_redrawn, 0, limits::kMaxSteps));
  traits.shift = o.number("shift", traits.shift, 1e-3, 1e3);
  traits.scheduler = o.string("scheduler", traits.scheduler);
  require_one_of(traits.scheduler, {"unipc", "euler", "euler-even", "renoise"}, what, "scheduler");
  if ((traits.first_eta > 0 || traits.first_redrawn > 0) && traits.scheduler != "euler-even") {
    throw Error(kKind, what + ": \"" + (traits.first_eta > 0 ? "first_eta" : "first_redrawn") +
                           "\" needs the scheduler \"euler-even\", not \"" + traits.scheduler +
                           "\"");
  }
  traits.dtype = o.string("dtype", traits.dtype);
  require_one_of(traits.dtype, {"", "auto", "fp32", "bf16"}, what, "dtype");
  if (traits.dtype == "auto") traits.dtype.clear();
  traits.negative_prompt = o.string("negative_prompt", traits.negative_prompt);
  if (settings.contains("rollout"))
    apply_rollout(settings.at("rollout"), what + ": rollout", traits);
  if (traits.scheduler == "renoise" && (!traits.causal || traits.causal->timesteps.empty())) {
    throw Error(kKind,
                what +
                    ": \"scheduler\" is \"renoise\", which needs the timesteps of a "
                    "causal rollout: \"rollout\": {\"kind\": \"causal\", ..., \"timesteps\": "
                    "[1000, ...]}");
  }
}

Json read_preset(const std::string& name) {
  if (name.empty() || data_dir().empty()) return Json::object();
  const std::filesystem::path path = data_dir() / "configs" / (name + ".json");
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return Json::object();
  return read_json_file(path, kKind);
}

}  // namespace genvid
