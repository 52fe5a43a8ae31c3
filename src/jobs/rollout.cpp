#include "jobs/rollout.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/limits.h"
#include "core/window_plan.h"
#include "genvid/error.h"
#include "jobs/rollout_forcing.h"

namespace genvid {
namespace {

// Latent frames that windows share: 5 of 21, as the published train-free methods do.
int64_t overlap_of(int64_t window) {
  return std::max<int64_t>(1, std::llround(static_cast<double>(window) * 5.0 / 21.0));
}

[[noreturn]] void cannot(const std::string& rollout, const Traits& traits, const char* why) {
  throw Error(ErrorKind::kUsage, "--rollout " + rollout + ": " + traits.title + " " + why);
}

// What makes a clip of more than one window, or "window" when nothing can.
std::string long_rollout(const Traits& traits) {
  if (traits.history_latents > 0) return "extend";
  if (traits.image == ImageInput::kNone) return "overlap";
  return traits.last_image == ImageInput::kRequired ? "window" : "continue";
}

// What goes on from the last frames of a video.
std::string choose_extension(const Request& request, const Traits& traits) {
  std::string can;
  if (traits.history_latents > 0) {
    can = "extend";
  } else if (traits.forcing) {
    can = "diffusion-forcing";
  } else if (traits.causal) {
    can = traits.causal->window > traits.causal->block ? "causal" : "";
  } else if (traits.image != ImageInput::kNone && long_rollout(traits) == "continue") {
    can = "continue";
  }
  if (can.empty()) {
    throw Error(ErrorKind::kUsage,
                "--extend: " + traits.title +
                    (traits.image == ImageInput::kNone
                         ? " starts from text alone, so it cannot go on from a video; "
                         : " makes one window between two pictures; ") +
                    "use genvid-tiny, a model that starts from one picture, or a causal one");
  }
  if (request.rollout != "auto" && request.rollout != can) {
    throw Error(ErrorKind::kUsage,
                "--rollout " + request.rollout + " does not go with --extend: " + traits.title +
                    " goes on from a video by \"" + can + "\"; leave --rollout out");
  }
  return can;
}

std::string choose(const Request& request, const Traits& traits, const ClipSpec& spec, bool fits) {
  if (!request.extend.empty()) return choose_extension(request, traits);
  const std::string asked = request.rollout;
  if (traits.forcing && !request.last_image.empty() && asked != "auto" &&
      asked != "diffusion-forcing") {
    cannot(asked, traits, "ends on --last-image by diffusion forcing alone; leave --rollout out");
  }
  if (traits.history_latents > 0 && !request.last_image.empty() && asked != "auto" &&
      asked != "extend") {
    cannot(asked, traits, "is led to --last-image window after window; leave --rollout out");
  }
  if (asked == "window") return asked;
  if (asked == "overlap") {
    if (traits.image == ImageInput::kRequired) {
      cannot(asked, traits,
             "starts from a picture, which only the first window would see; use "
             "--rollout continue");
    }
    return fits ? "window" : asked;
  }
  if (asked == "continue") {
    if (traits.history_latents > 0) {
      cannot(asked, traits, "goes on from its own latents; use --rollout extend");
    }
    if (traits.image == ImageInput::kNone) {
      cannot(asked, traits, "takes no picture to continue from; use --rollout overlap");
    }
    if (long_rollout(traits) == "window") {
      cannot(asked, traits, "starts and ends every clip on pictures, so it makes one window only");
    }
    return fits ? "window" : asked;
  }
  if (asked == "extend") {
    if (traits.history_latents == 0) {
      cannot(asked, traits, "was not trained to go on from its own latents; use --rollout auto");
    }
    return asked;
  }
  if (asked == "diffusion-forcing") {
    if (!traits.forcing) {
      cannot(asked, traits,
             "was not trained with a noise level of its own in every latent frame; SkyReels-V2 DF "
             "checkpoints were");
    }
    return asked;
  }
  if (asked == "causal" && !traits.causal) {
    cannot(asked, traits,
           "has no settings for it; where the checkpoint is made for that, they belong into its "
           "genvid.json: \"rollout\": {\"kind\": \"causal\", \"block\": ..., \"window\": ..., "
           "\"sink\": ...} (configs/ has those of published ones)");
  }
  if (asked == "causal") return asked;
  if (asked != "auto") {
    throw Error(ErrorKind::kUsage, "--rollout is \"" + asked +
                                       "\", expected one of: auto, window, overlap, loop, "
                                       "continue, extend, diffusion-forcing, causal");
  }
  if (traits.causal) return "causal";
  if (traits.forcing) return "diffusion-forcing";
  // Trained on whole windows, of which a short clip is cut; a single latent is a picture.
  const bool whole_windows =
      traits.history_latents > 0 && (traits.first_latents > 0 || !request.last_image.empty() ||
                                     traits.geometry.latents_of(spec.frames) > 1);
  return fits && !whole_windows ? "window" : long_rollout(traits);
}

std::string seconds_of(int64_t frames, const ClipSpec& spec) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.4g s", static_cast<double>(frames) / spec.fps.value());
  return text;
}

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

Rollout causal_rollout(const Traits& traits, ClipSpec& spec, bool extends) {
  const CausalRollout& c = *traits.causal;
  const int64_t f = traits.geometry.temporal_factor;
  const int64_t past = extends ? c.window - c.block : 0;
  Rollout out;
  out.name = spec.rollout = "causal";
  out.windows = ceil_div(new_latents(traits.geometry, spec.frames, extends), c.block);
  out.window_frames = (c.block - 1) * f + 1;
  if (extends) out.past_frames = traits.geometry.frames_of(past);
  const int64_t most = c.max_latents / c.block * c.block - past;
  if (out.windows * c.block > most) {
    const int64_t frames = (most - 1) * f + 1;
    throw Error(ErrorKind::kUsage,
                "asked for " + std::to_string(spec.frames) + " frames; " + traits.title +
                    " has positions for " + std::to_string(frames) + " frames (" +
                    seconds_of(frames, spec) + "); ask for less and continue in a second clip");
  }
  out.latents = out.windows * c.block;
  spec.block_latents = c.block;
  spec.window_latents = c.window;
  spec.sink_latents = c.sink;
  spec.recache = c.recache;
  const int64_t recent = c.window - c.sink;
  out.reason = std::to_string(out.windows) + (out.windows == 1 ? " block" : " blocks") + " of " +
               std::to_string(c.block) + " latent frames, each seeing " +
               (c.sink > 0 ? "the first " + std::to_string(c.sink) + " and " : "") + "the latest " +
               std::to_string(recent) + "; the checkpoint is made for it, and memory does not grow";
  return out;
}

}  // namespace

namespace {

[[noreturn]] void cannot_loop(const std::string& why) {
  throw Error(ErrorKind::kUsage, "--loop: " + why);
}

void check_loop(const Request& request, const Traits& traits) {
  if (!request.image.empty() || !request.last_image.empty() || !request.extend.empty()) {
    cannot_loop("a loop has no first frame; leave --image, --last-image and --extend out");
  }
  if (traits.image == ImageInput::kRequired) {
    cannot_loop(traits.title +
                " starts from a picture, and a loop starts nowhere; use one that "
                "makes clips from text");
  }
  if (traits.causal) {
    cannot_loop(traits.title +
                " makes block after block and cannot see the end from the start; "
                "use a model that is not causal");
  }
}

// Window after window, each from the model's own latents. A picture at the end is the last latent
// frame, and made by none.
void decide_extension(const Request& request, const Traits& traits, ClipSpec& spec, Rollout& out) {
  const bool extends = !request.extend.empty(), ends = !request.last_image.empty();
  int64_t latents = new_latents(traits.geometry, spec.frames, extends) - (ends ? 1 : 0);
  spec.overlap_latents = traits.history_latents;
  // Otherwise a picture or a video is there already.
  if (!extends && request.image.empty()) spec.first_latents = traits.first_latents;
  // What a loop comes back to is there before its other windows are made.
  if (spec.closes) spec.first_latents = std::max<int64_t>(1, spec.first_latents);
  if (spec.closes) latents += spec.first_latents;  // which are not part of the file
  if (spec.first_latents > 0 && request.init_latents.empty()) spec.drafts = traits.drafts;
  out.given_at_end = ends ? 1 : 0;
  if (extends) out.past_frames = traits.geometry.frames_of(traits.history_latents);
  out.windows =
      static_cast<int64_t>(extension_starts(latents, spec.window_latents, spec.overlap_latents,
                                            spec.first_latents, extends ? spec.overlap_latents : 0)
                               .size());
}

// What a clip begins with, for the plan.
std::string start_of(const ClipSpec& spec) {
  if (spec.first_latents == 0) return "";
  std::string out = ", the first of " + std::to_string(spec.first_latents) +
                    (spec.first_latents == 1 ? " latent frame" : " latent frames");
  if (spec.drafts < 2) return out;
  return out + " (of " + std::to_string(spec.drafts) +
         " drafts the one that shows most of the prompt)";
}

std::string extension_reason(const Rollout& out, const Traits& traits, const ClipSpec& spec,
                             const std::string& limit) {
  return std::to_string(out.windows) + (out.windows == 1 ? " window" : " windows") + " of " +
         limit + start_of(spec) + ", each from the last " + std::to_string(traits.history_latents) +
         " latent frames of the one before";
}

// Windows go around; every latent frame is whole, for none is the first. Models that go on from
// their own latents and can be led somewhere come back to their start instead.
Rollout loop_rollout(const Request& request, const Traits& traits, ClipSpec& spec,
                     std::vector<std::string>& warnings) {
  check_loop(request, traits);
  const Geometry& g = traits.geometry;
  const int64_t f = g.temporal_factor, window = g.latents_of(g.max_frames + 1) - 1;
  const int64_t latents = std::max<int64_t>(2, ceil_div(spec.frames, f));
  if (latents * f != spec.frames) {
    warnings.push_back("a loop of " + traits.title + " is whole in steps of " + std::to_string(f) +
                       " frames: made are " + std::to_string(latents * f) + ", not " +
                       std::to_string(spec.frames));
    spec.frames = latents * f;
  }
  spec.window_latents = window;
  Rollout out;
  out.window_frames = g.frames_of(window);
  if (traits.history_latents > 0 && traits.last_image != ImageInput::kNone) {
    out.name = spec.rollout = "extend";
    spec.closes = true;
    decide_extension(request, traits, spec, out);
    out.reason =
        extension_reason(out, traits, spec, std::to_string(out.window_frames) + " frames") +
        "; the last one leads back to the first";
    return out;
  }
  spec.overlap_latents = overlap_of(window);
  out.name = spec.rollout = "loop";
  out.windows =
      static_cast<int64_t>(plan_ring(latents, window, spec.overlap_latents, 0).starts.size());
  out.reason = std::to_string(out.windows) + (out.windows == 1 ? " window" : " windows") + " of " +
               std::to_string(std::min(window, latents)) +
               " latent frames around the loop, shifted at every step";
  return out;
}

}  // namespace

int64_t new_latents(const Geometry& geometry, int64_t frames, bool extends) {
  return extends ? ceil_div(frames, geometry.temporal_factor) : geometry.latents_of(frames);
}

Rollout decide_rollout(const Request& request, const Traits& traits, ClipSpec& spec,
                       std::vector<std::string>& warnings) {
  check_forcing_flags(request, traits);
  if (request.rollout == "loop") return loop_rollout(request, traits, spec, warnings);
  const Geometry& g = traits.geometry;
  const bool extends = !request.extend.empty();
  Rollout out;
  const int64_t window = g.latents_of(g.max_frames + 1) - 1;  // whole latent frames
  out.window_frames = g.frames_of(window);
  const bool fits = spec.frames <= out.window_frames;
  out.name = choose(request, traits, spec, fits);
  if (out.name == "causal") return causal_rollout(traits, spec, extends);
  if (out.name == "diffusion-forcing") return forcing_rollout(request, traits, spec, extends);
  const std::string limit =
      std::to_string(out.window_frames) + " frames (" + seconds_of(out.window_frames, spec) + ")";
  if (out.name == "window") {
    out.reason = fits ? "fits the model's window of " + limit : "cut to the model's window";
    if (!fits) {
      warnings.push_back("asked for " + std::to_string(spec.frames) + " frames; " + traits.title +
                         " makes " + limit + " in one window, so that is made");
      spec.frames = out.window_frames;
    }
  } else {
    spec.window_latents = window;
    if (out.name == "overlap") {
      const int64_t latents = g.latents_of(spec.frames);
      spec.overlap_latents = overlap_of(window);
      const WindowPlan windows = plan_windows(latents, window, spec.overlap_latents);
      out.windows = static_cast<int64_t>(windows.starts.size());
      out.reason = std::to_string(out.windows) + " windows of " + limit + ", sharing " +
                   std::to_string(spec.overlap_latents) + " latent frames, blended at every step";
    } else if (out.name == "extend") {
      decide_extension(request, traits, spec, out);
      out.reason = extension_reason(out, traits, spec, limit) +
                   (request.last_image.empty() ? "" : ", the last one led to a picture") +
                   "; memory does not grow";
      // Whether the camera moves, only the text encoder says.
      const bool ahead = traits.first_redrawn > 0 && spec.first_latents > 0 && out.windows > 1;
      if (ahead && request.last_image.empty()) {
        out.reason += "; where the camera moves, pictures drawn ahead of it are not counted";
      }
    } else {
      out.windows = ceil_div(spec.frames - (extends ? 0 : 1), out.window_frames - 1);
      if (extends) out.past_frames = 1;
      out.even = !request.last_image.empty();
      out.reason = std::to_string(out.windows) + (out.windows == 1 ? " clip" : " clips") +
                   " of up to " + limit + ", each from the last frame of the one before" +
                   (out.even ? "; the last one leads to a picture" : "");
    }
  }
  spec.rollout = out.name;
  return out;
}

void decide_start(const Request& request, const Traits& traits, ClipSpec& spec) {
  const bool own = request.init_latents.empty() && spec.scheduler == traits.scheduler;
  if (spec.first_latents == 0 || !own) return;
  spec.first_eta = traits.first_eta;
  const auto scaled = [&](int steps) {
    return static_cast<double>(steps) * spec.num_inference_steps / traits.num_inference_steps;
  };
  if (traits.first_steps > 0) {
    spec.first_steps = static_cast<int>(
        std::clamp<int64_t>(std::llround(scaled(traits.first_steps)), 1, limits::kMaxSteps));
  }
  if (spec.first_latents > 1) return;
  spec.first_redrawn = static_cast<int>(
      std::min<int64_t>(std::llround(scaled(traits.first_redrawn)), spec.start_steps()));
}

int64_t passes(const Rollout& rollout, int num_inference_steps) {
  if (rollout.name == "causal") return rollout.windows * (num_inference_steps + 1) - 1;
  const int64_t lag = std::min<int64_t>(rollout.ar_step, num_inference_steps);
  return rollout.windows * num_inference_steps + rollout.lags * lag;
}

int64_t guided_passes(const Rollout& rollout, const ClipSpec& spec) {
  const int64_t all = passes(rollout, spec.num_inference_steps);
  if (rollout.name != "extend") {
    return spec.guidance_scale > 1 || spec.guidance_scale_2 > 1 ? all : 0;
  }
  const int64_t starts = 1 + static_cast<int64_t>(spec.prompt_changes.size());
  const int64_t first = std::min(all, starts * spec.num_inference_steps);
  return (spec.guidance_scale > 1 ? first : 0) + (spec.guidance_scale_2 > 1 ? all - first : 0);
}

double prompt_passes(const Rollout& rollout, const ClipSpec& spec) {
  const auto all =
      static_cast<double>(passes(rollout, spec.num_inference_steps) + guided_passes(rollout, spec));
  if (spec.first_latents == 0) return all;
  // The start is no whole window, but may be drafted several times, in steps of its own.
  const double share =
      static_cast<double>(spec.first_latents) / static_cast<double>(spec.window_latents);
  const auto drafts = static_cast<double>(spec.drafts * spec.start_passes());
  return all + (share * drafts - spec.num_inference_steps) * (spec.guidance_scale > 1 ? 2 : 1);
}

void scale_costs(const Rollout& rollout, const Traits& traits, const ClipSpec& spec,
                 std::vector<StageCost>& costs) {
  if (rollout.name == "window") return;
  const Geometry& g = traits.geometry;
  const double length = static_cast<double>(spec.model_frames) / rollout.window_frames;
  for (StageCost& c : costs) {
    if (c.stage == "denoise") {
      // One window was counted with both prompts when any pass has both.
      const int prompts = guided_passes(rollout, spec) > 0 ? 2 : 1;
      c.flops *= prompt_passes(rollout, spec) / prompts / spec.num_inference_steps;
      c.tokens *= rollout.windows;
      if (rollout.name == "overlap" || rollout.name == "loop") {
        // The clip's latents, the sampler's history and the blend: eight fp32 copies.
        const int64_t latents = g.latents_of(spec.model_frames);
        c.work_bytes += static_cast<uint64_t>(8 * 4 * g.latent_channels * latents) *
                        static_cast<uint64_t>(spec.model_size.width / g.spatial_factor) *
                        static_cast<uint64_t>(spec.model_size.height / g.spatial_factor);
      }
    } else if (c.stage == "decode") {
      c.flops *= length;
    }
  }
}

}  // namespace genvid
