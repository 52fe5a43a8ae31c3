#include "jobs/plan.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

#include "core/limits.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "jobs/borders.h"
#include "jobs/machine.h"
#include "jobs/prompt_changes.h"

namespace genvid {
namespace {

[[noreturn]] void usage(const std::string& message) { throw Error(ErrorKind::kUsage, message); }

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", value);
  return text;
}

double in_range(const std::optional<double>& value, double fallback, double lo, double hi,
                const char* option) {
  if (!value) return fallback;
  if (!(*value >= lo && *value <= hi)) {
    usage(std::string(option) + " is " + number(*value) + ", expected " + number(lo) + " to " +
          number(hi));
  }
  return *value;
}

std::string one_of(const std::string& value, std::initializer_list<const char*> allowed,
                   const char* option) {
  std::string list;
  for (const char* a : allowed) {
    if (value == a) return value;
    list += std::string(list.empty() ? "" : ", ") + a;
  }
  usage(std::string(option) + " is \"" + log::printable(value) + "\", expected one of: " + list);
}

void decide_frames(const Request& request, const Traits& traits, Plan& plan) {
  ClipSpec& spec = plan.spec;
  const Geometry& g = traits.geometry;
  spec.fps = request.fps.value_or(traits.fps);
  const double fps = spec.fps.value();
  if (spec.fps.num <= 0 || spec.fps.den <= 0 || !(fps >= 1 && fps <= limits::kMaxFps)) {
    usage("--fps is " + number(fps) + ", expected 1 to " + number(limits::kMaxFps));
  }
  if (!(spec.fps == traits.fps)) {
    plan.warnings.push_back("playing at " + number(fps) + " frames a second; " + traits.title +
                            " makes motion for " + number(traits.fps.value()));
  }
  if (request.seconds && request.frames) usage("give --seconds or --frames, not both");
  if (request.frames) {
    spec.frames = *request.frames;
    if (spec.frames < 1 || spec.frames > limits::kMaxFrames) {
      usage("--frames is " + std::to_string(spec.frames) + ", expected 1 to " +
            std::to_string(limits::kMaxFrames));
    }
  } else {
    const double longest = static_cast<double>(limits::kMaxFrames) / fps;
    const double seconds = request.seconds.value_or(traits.seconds);
    if (!(seconds > 0 && seconds <= longest)) {
      usage("--seconds is " + number(seconds) + ", expected more than 0 and at most " +
            number(longest) + " (" + std::to_string(limits::kMaxFrames) + " frames at " +
            number(fps) + " a second)");
    }
    spec.frames = std::max<int64_t>(1, std::llround(seconds * fps));
  }
  const bool extends = !request.extend.empty();
  plan.rollout = decide_rollout(request, traits, spec, plan.warnings);
  plan.latent_frames = plan.rollout.latents > 0
                           ? plan.rollout.latents
                           : new_latents(g, spec.frames, extends || spec.rollout == "loop");
  spec.model_frames = g.frames_of(plan.latent_frames);
  if (plan.latent_frames == 1 && !request.image.empty() && !request.last_image.empty()) {
    usage(
        "the clip is a single picture, which cannot start with --image and end on --last-image; "
        "ask for more than " +
        std::to_string(g.first_frames) + (g.first_frames == 1 ? " frame" : " frames"));
  }
}

void decide_size(const Request& request, const Traits& traits, Plan& plan) {
  ClipSpec& spec = plan.spec;
  const Geometry& g = traits.geometry;
  spec.size = request.size.value_or(traits.size);
  const int most = std::min(limits::kMaxSide, g.max_side);
  for (const int side : {spec.size.width, spec.size.height}) {
    if (side < limits::kMinSide || side > most) {
      usage("--size is " + to_text(spec.size) + ", expected sides of " +
            std::to_string(limits::kMinSide) + " to " + std::to_string(most));
    }
    if (side % 2 != 0) {
      usage("--size is " + to_text(spec.size) + ", but video needs even numbers; try " +
            to_text(Size{spec.size.width + spec.size.width % 2,
                         spec.size.height + spec.size.height % 2}));
    }
  }
  if (g.only_size.width > 0) {
    if (spec.size.width > g.only_size.width || spec.size.height > g.only_size.height) {
      usage("--size is " + to_text(spec.size) + ", but " + traits.title + " makes " +
            to_text(g.only_size) + " and crops to less; scale the file afterwards for more");
    }
    spec.model_size = g.only_size;
    return;
  }
  const int m = g.size_multiple;
  const auto up = [m](int side) { return (side + m - 1) / m * m; };
  spec.model_size = {up(spec.size.width), up(spec.size.height)};
}

void decide_images(const Request& request, const Traits& traits) {
  const auto decide = [&](ImageInput input, const std::string& path, const char* option) {
    const bool own_start = request.extend.empty() && request.rollout != "loop";
    if (path.empty() && input == ImageInput::kRequired && own_start) {
      usage(traits.title + " starts from a picture: give " + option + " FILE");
    }
    if (!path.empty() && input == ImageInput::kNone) {
      const bool last = &path == &request.last_image;
      usage(traits.title + " takes no " + option +
            (last ? "; genvid-tiny, FLF2V, I2V A14B and SkyReels-V2 DF checkpoints do" : ""));
    }
  };
  if (request.extend.empty()) {
    if (request.only_new) usage("--only-new leaves out the frames of --extend, which is not given");
  } else if (!request.image.empty()) {
    usage("--image does not go with --extend, which starts from the last frame of its video");
  }
  decide(traits.image, request.image, "--image");
  decide(traits.last_image, request.last_image, "--last-image");
}

// The timesteps a causal checkpoint was distilled for, and the sampler that goes with them.
void decide_timesteps(const Request& request, const Traits& traits, ClipSpec& spec) {
  const bool causal = spec.rollout == "causal";
  if (causal) spec.timesteps = traits.causal->timesteps;
  const std::string listed = std::to_string(spec.timesteps.size());
  if (spec.timesteps.empty()) {
    if (spec.scheduler != "renoise") return;
    if (request.scheduler) {
      usage("--scheduler renoise needs the timesteps of a causal checkpoint; use unipc");
    }
    spec.scheduler = "unipc";
    return;
  }
  if (spec.num_inference_steps != static_cast<int>(spec.timesteps.size())) {
    usage("--steps is " + std::to_string(spec.num_inference_steps) + ", but " + traits.title +
          " is made for the " + listed + " timesteps of its genvid.json");
  }
  if (request.shift && *request.shift != traits.shift) {
    usage("--shift is " + number(*request.shift) + ", but " + traits.title + " is made for the " +
          listed + " timesteps of its genvid.json");
  }
  if (spec.scheduler == "euler") {
    usage("--scheduler euler has its own timesteps, but " + traits.title + " is made for " +
          listed + " listed ones; use unipc or renoise");
  }
}

void decide_sampling(const Request& request, const Traits& traits, ClipSpec& spec) {
  spec.num_inference_steps = request.num_inference_steps.value_or(traits.num_inference_steps);
  if (spec.num_inference_steps < 1 || spec.num_inference_steps > limits::kMaxSteps) {
    usage("--steps is " + std::to_string(spec.num_inference_steps) + ", expected 1 to " +
          std::to_string(limits::kMaxSteps));
  }
  spec.guidance_scale =
      in_range(request.guidance_scale, traits.guidance_scale, 0, 1000, "--guidance-scale");
  const bool goes_on = spec.rollout == "extend";
  if (request.guidance_scale_2 && !traits.two_experts && !goes_on) {
    usage(traits.title + " has one transformer" +
          (traits.history_latents > 0 ? " and this clip is not made window after window" : "") +
          ": --guidance-scale-2 means nothing here");
  }
  // As the reference does: one scale given alone is meant for both experts.
  const bool both = !goes_on && (request.guidance_scale || !traits.two_experts);
  spec.guidance_scale_2 =
      in_range(request.guidance_scale_2, both ? spec.guidance_scale : traits.guidance_scale_2, 0,
               1000, "--guidance-scale-2");
  spec.shift = in_range(request.shift, traits.shift, 1e-3, 1e3, "--shift");
  spec.scheduler = one_of(request.scheduler.value_or(traits.scheduler),
                          {"unipc", "euler", "euler-even", "renoise"}, "--scheduler");
  decide_timesteps(request, traits, spec);
  decide_start(request, traits, spec);
  spec.noise = one_of(request.noise, {"philox", "torch"}, "--noise");
  // A single window behind nothing starts from one draw, and draws no more.
  const bool windows =
      spec.rollout == "diffusion-forcing" && (spec.overlap_latents > 0 || !request.image.empty());
  if (spec.noise == "torch" && (spec.rollout == "causal" || windows)) {
    usage("--noise torch is drawn for a whole clip at once, but this one is made " +
          std::string(windows ? "window by window" : "block by block") +
          "; use --noise philox or --init-latents");
  }
  spec.seed = request.seed ? *request.seed : std::random_device{}();
}

void decide_device(const Request& request, const Traits& traits, ClipSpec& spec) {
  if (request.device == "auto") {
    spec.device = has_gpu_driver() ? "cuda:0" : "cpu";
  } else if (request.device == "cpu") {
    spec.device = "cpu";
  } else if (request.device == "cuda") {
    spec.device = "cuda:0";
  } else {
    const std::string& d = request.device;
    const bool index =
        d.rfind("cuda:", 0) == 0 && d.size() > 5 && d.size() <= 7 &&
        std::all_of(d.begin() + 5, d.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!index)
      usage("--device is \"" + log::printable(d) + "\", expected auto, cpu, cuda or cuda:N");
    spec.device = d;
  }
  spec.dtype = one_of(request.dtype, {"auto", "fp32", "bf16"}, "--dtype");
  if (spec.dtype == "auto") {
    const bool half = spec.device != "cpu" || (traits.cpu_bf16 && has_bf16_matrices());
    spec.dtype = !traits.dtype.empty() ? traits.dtype : half ? "bf16" : "fp32";
  }
  spec.vae_dtype = one_of(request.vae_dtype, {"auto", "fp32", "bf16"}, "--vae-dtype");
  if (spec.vae_dtype == "auto") spec.vae_dtype = "fp32";
  if (request.threads < 0 || request.threads > 1024) {
    usage("--threads is " + std::to_string(request.threads) + ", expected 1 to 1024, or 0 for all");
  }
  spec.threads = request.threads > 0 ? request.threads : cpu_count();
}

void decide_candidates(const Request& request, Plan& plan) {
  plan.candidates = request.best_of;
  if (plan.candidates < 1 || plan.candidates > limits::kMaxCandidates) {
    usage("--best-of is " + std::to_string(plan.candidates) + ", expected 1 to " +
          std::to_string(limits::kMaxCandidates));
  }
  if (plan.candidates > 1 && !plan.spec.init_latents.empty()) {
    usage("--best-of chooses among seeds, but all would start from --init-latents; drop one");
  }
}

// What the networks see at a time: the clip, or one window of it.
ClipShape clip_shape(const Plan& plan) {
  const ClipSpec& spec = plan.spec;
  ClipShape clip;
  clip.size = spec.model_size;
  const bool whole = spec.rollout == "extend" || spec.rollout == "diffusion-forcing";
  clip.frames =
      whole ? plan.rollout.window_frames : std::min(spec.model_frames, plan.rollout.window_frames);
  clip.causal_block = spec.rollout == "diffusion-forcing" ? spec.block_latents : 0;
  clip.cached_latents = spec.rollout == "causal" ? spec.window_latents : 0;
  clip.guidance = spec.guidance_scale > 1 || spec.guidance_scale_2 > 1;
  clip.dtype_bytes = spec.dtype == "bf16" ? 2 : 4;
  clip.vae_dtype_bytes = spec.vae_dtype == "bf16" ? 2 : 4;
  return clip;
}

// What the process needs before any weight: the program and the libraries.
constexpr uint64_t kProgramBytes = uint64_t{172} << 20;

uint64_t peak_of(const std::vector<StageCost>& costs) {
  uint64_t peak = 0;
  for (const StageCost& c : costs) peak = std::max(peak, c.weight_bytes + c.work_bytes);
  return peak + kProgramBytes;
}

std::string gib(uint64_t bytes) {
  char out[32];
  std::snprintf(out, sizeof(out), "%.1f GiB", static_cast<double>(bytes) / (1 << 30));
  return out;
}

// The largest size of the same shape that would fit, in steps of the grid; 0x0 when none does.
Size largest_fitting(const Plan& plan, uint64_t available_bytes) {
  const ModelFolder model = ModelFolder::open(plan.spec.model_dir);
  const Description& family = find_description(model);
  const int m = family.traits(model).geometry.size_multiple;
  const Size full = plan.spec.model_size;
  for (int width = full.width - m; width >= m; width -= m) {
    const double height = static_cast<double>(full.height) * width / full.width;
    ClipShape clip = clip_shape(plan);
    clip.size = {width, std::max(m, static_cast<int>(std::lround(height / m)) * m)};
    if (peak_of(family.costs(model, clip)) <= available_bytes) return clip.size;
  }
  return {};
}

int64_t token_forwards(const Plan& plan) {
  const ClipSpec& spec = plan.spec;
  for (const StageCost& c : plan.costs) {
    if (c.stage != "denoise") continue;
    const int64_t one = c.tokens / plan.rollout.windows;
    double times = prompt_passes(plan.rollout, spec);
    // The latest blocks once more under each new prompt.
    if (spec.rollout == "causal" && spec.recache) {
      const int64_t latest = (spec.window_latents - spec.sink_latents) / spec.block_latents - 1;
      times += static_cast<double>(latest * static_cast<int64_t>(spec.prompt_changes.size()));
    }
    // A causal clip keeps no latents: the chosen one is sampled again.
    const int again = plan.candidates > 1 && spec.rollout == "causal" ? 1 : 0;
    return std::llround(static_cast<double>(one) * times) * (plan.candidates + again);
  }
  return 0;
}

// What five seconds of the same clip would take.
int64_t token_forwards_5s(const Request& request, const Traits& traits, const ModelFolder& model,
                          const Plan& plan) {
  Request shorter = request;
  shorter.frames.reset();
  shorter.seconds = 5.0;
  Plan five = plan;
  five.candidates = 1;
  five.spec.prompt_changes.clear();
  decide_frames(shorter, traits, five);
  five.costs = find_description(model).costs(model, clip_shape(five));
  scale_costs(five.rollout, traits, five.spec, five.costs);
  return token_forwards(five);
}

}  // namespace

Plan make_plan(const Request& request, const ModelFolder& model) {
  const Description& family = find_description(model);
  const Traits traits = family.traits(model);
  Plan plan;
  plan.family = family.family;
  plan.title = traits.title;
  ClipSpec& spec = plan.spec;
  spec.model_dir = model.dir().string();
  check_prompt(request.prompt, "the prompt");
  if (request.prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
    usage("the prompt is empty: say what to show, e.g. genvid \"a house by the sea\" -o out.mp4");
  }
  spec.prompt = request.prompt;
  spec.negative_prompt = request.negative_prompt.value_or(traits.negative_prompt);
  check_prompt(spec.negative_prompt, "the negative prompt");
  decide_images(request, traits);
  decide_frames(request, traits, plan);
  decide_size(request, traits, plan);
  decide_sampling(request, traits, spec);
  decide_device(request, traits, spec);
  spec.init_latents = request.init_latents;
  spec.save_latents = request.save_latents;
  check_init_latents(plan, traits, !request.extend.empty());
  decide_candidates(request, plan);
  plan.borders = chunk_borders(plan, traits);
  decide_prompt_changes(request, traits, plan);
  if (plan.borders.size() > kMostBorders) plan.borders.resize(kMostBorders);
  plan.costs = family.costs(model, clip_shape(plan));
  scale_costs(plan.rollout, traits, spec, plan.costs);
  plan.peak_bytes = peak_of(plan.costs);
  const Geometry& g = traits.geometry;
  plan.latent_bytes = uint64_t{4} * static_cast<uint64_t>(g.latent_channels * plan.latent_frames) *
                      static_cast<uint64_t>(spec.model_size.width / g.spatial_factor) *
                      static_cast<uint64_t>(spec.model_size.height / g.spatial_factor);
  plan.token_forwards = token_forwards(plan);
  plan.token_forwards_5s = token_forwards_5s(request, traits, model, plan);
  return plan;
}

bool holds_weights(const Plan& plan, uint64_t available_bytes) {
  uint64_t held = 0;
  for (const StageCost& c : plan.costs) {
    if (c.stage == "denoise") held = c.weight_bytes;
  }
  return peak_of(plan.costs) + held <= available_bytes;
}

void require_memory(const Plan& plan, uint64_t available_bytes) {
  if (plan.peak_bytes <= available_bytes) return;
  const auto worst = std::max_element(
      plan.costs.begin(), plan.costs.end(), [](const StageCost& a, const StageCost& b) {
        return a.weight_bytes + a.work_bytes < b.weight_bytes + b.work_bytes;
      });
  const Size fits = largest_fitting(plan, available_bytes);
  std::string advice;
  if (fits.width > 0) {
    advice = "the largest size that fits is about " + to_text(fits);
  } else if (plan.spec.dtype == "fp32") {
    advice = "no size fits; --dtype bf16 halves the weights";
  } else {
    advice = "no size fits; use a smaller model or a machine with more memory";
  }
  throw Error(ErrorKind::kMemory,
              "not enough memory on " + plan.spec.device + ": " + to_text(plan.spec.model_size) +
                  " x " + std::to_string(plan.spec.model_frames) + " frames needs " +
                  gib(plan.peak_bytes) + " (" + worst->stage + ": weights " +
                  gib(worst->weight_bytes) + ", work " + gib(worst->work_bytes) + "), free are " +
                  gib(available_bytes) + "; " + advice);
}

}  // namespace genvid
