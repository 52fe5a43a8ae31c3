// genvid decode LATENTS -o FILE: the VAE and the encoder alone. Rescue after a full disk, and the
// decode measurable by itself.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/engine_loader.h"
#include "cli/flags.h"
#include "cli/model_locator.h"
#include "cli/output_flags.h"
#include "cli/recorded_output.h"
#include "cli/restart.h"
#include "cli/session.h"
#include "core/latents_file.h"
#include "core/limits.h"
#include "core/parse_values.h"
#include "genvid/error.h"
#include "jobs/machine.h"
#include "jobs/model_check.h"
#include "jobs/plan.h"

namespace genvid::cli {
namespace {

struct DecodeFlags {
  explicit DecodeFlags(CLI::App& app) : fields(app) {}
  RequestFlags fields;
  ViewFlags view;
  std::string latents;
};

// Size and frames that the latents give, cropped and trimmed as asked.
DecodeSpec decode_spec(const Request& request, const std::string& latents, const ModelFolder& model,
                       const Traits& traits) {
  const std::vector<int64_t> shape = check_latents_file(latents, traits.geometry.latent_channels);
  const Geometry& g = traits.geometry;
  const int64_t frames =
      frames_of_latents(latents_start(latents), shape[2], g.first_frames, g.temporal_factor);
  const int64_t most = limits::kMaxSide;
  if (shape[2] < 1 || frames > limits::kMaxFrames || shape[3] * g.spatial_factor > most ||
      shape[4] * g.spatial_factor > most) {
    throw Error(ErrorKind::kUsage, latents + ": " + std::to_string(shape[2]) + " x " +
                                       std::to_string(shape[3]) + " x " + std::to_string(shape[4]) +
                                       " latents are more than a clip can have");
  }
  const Size full = {static_cast<int>(shape[4]) * g.spatial_factor,
                     static_cast<int>(shape[3]) * g.spatial_factor};
  DecodeSpec spec;
  spec.model_dir = model.dir().string();
  spec.latents = latents;
  spec.size = request.size.value_or(full);
  if (spec.size->width > full.width || spec.size->height > full.height || spec.size->width % 2 ||
      spec.size->height % 2 || spec.size->width < limits::kMinSide ||
      spec.size->height < limits::kMinSide) {
    throw Error(ErrorKind::kUsage,
                "--size is " + to_text(*spec.size) + ", expected even numbers from " +
                    std::to_string(limits::kMinSide) + " up to the latents' " + to_text(full));
  }
  spec.fps = request.fps.value_or(traits.fps);
  spec.frames = frames;
  if (request.frames && request.seconds) {
    throw Error(ErrorKind::kUsage, "give --seconds or --frames, not both");
  }
  if (request.frames) spec.frames = *request.frames;
  if (request.seconds)
    spec.frames = std::llround(std::min(*request.seconds, 1e6) * spec.fps.value());
  if (*spec.frames < 1 || *spec.frames > frames) {
    throw Error(ErrorKind::kUsage, std::to_string(*spec.frames) +
                                       " frames asked for, the latents hold " +
                                       std::to_string(frames));
  }
  return spec;
}

void decide_device(const Request& request, DecodeSpec& spec) {
  // The same words as for a clip; decided in one place.
  spec.device = request.device == "auto"   ? (has_gpu_driver() ? "cuda:0" : "cpu")
                : request.device == "cuda" ? "cuda:0"
                                           : request.device;
  if (spec.device != "cpu" && spec.device.rfind("cuda:", 0) != 0) {
    bad_value("--device", request.device, "auto, cpu, cuda or cuda:N");
  }
  spec.vae_dtype = request.vae_dtype == "auto" ? "fp32" : request.vae_dtype;
  if (spec.vae_dtype != "fp32" && spec.vae_dtype != "bf16") {
    bad_value("--vae-dtype", request.vae_dtype, "auto, fp32 or bf16");
  }
  spec.threads = request.threads > 0 ? request.threads : cpu_count();
  if (request.device != "auto") require_driver(spec.device);
}

void require_decode_memory(const ModelFolder& model, const Description& family,
                           const DecodeSpec& spec) {
  Plan plan;
  plan.spec.model_dir = spec.model_dir;
  plan.spec.device = spec.device;
  plan.spec.vae_dtype = spec.vae_dtype;
  plan.spec.model_size = *spec.size;
  plan.spec.model_frames = *spec.frames;
  ClipShape clip;
  clip.size = *spec.size;
  clip.frames = *spec.frames;
  clip.vae_dtype_bytes = spec.vae_dtype == "bf16" ? 2 : 4;
  for (const StageCost& c : family.costs(model, clip)) {
    if (c.stage != "decode") continue;
    plan.costs = {c};
    plan.peak_bytes = c.weight_bytes + c.work_bytes;
  }
  require_memory(plan, available_memory());
}

int decode(const DecodeFlags& f) {
  const ProgressMode mode = f.view.apply();
  Request request;
  f.fields.apply(request);
  if (request.output.empty())
    throw Error(ErrorKind::kUsage, "no output: give -o FILE, e.g. -o out.mp4");
  restart_with_sleeping_threads();
  const ModelFolder model = ModelFolder::open(locate_model(request.model));
  const Description& family = find_description(model);
  DecodeSpec spec = decode_spec(request, f.latents, model, family.traits(model));
  decide_device(request, spec);
  check_model(model, family);
  media::check_output(output_options(request), *spec.size, spec.fps, *spec.frames);
  if (spec.device == "cpu") require_decode_memory(model, family, spec);

  static ProgressView view(mode);
  const std::unique_ptr<Engine> engine = load_engine(view);
  spec.device = available_device(*engine, spec.device, request.device == "auto");
  const auto sink = media::open_output(decoded_options(request, spec));
  ClipResult result;
  try {
    result = engine->decode(spec, *sink);
  } catch (...) {
    view.clear();
    throw;
  }
  view.clear();
  view.done(request.output, result);
  if (request.output != "-") std::printf("%s\n", request.output.c_str());
  return 0;
}

}  // namespace

Command add_decode(CLI::App& app) {
  const auto flags = std::make_shared<DecodeFlags>(app);
  app.add_option("LATENTS", flags->latents, "safetensors, one fp32 tensor [1,C,T,H,W]")->required();
  RequestFlags& r = flags->fields;
  r.text("-o,--output", &Request::output, "As for genvid itself");
  r.text("--model", &Request::model, "Model folder or name, for its VAE");
  r.size("--size", "Crop to this size");
  r.frames("--frames", "Trim to so many frames");
  r.number("--seconds", &Request::seconds, "Trim to so many seconds");
  r.fps("--fps", "Playback rate");
  r.text("--device", &Request::device, "auto, cpu, cuda or cuda:N");
  r.text("--vae-dtype", &Request::vae_dtype, "auto, fp32 or bf16");
  r.integer("--threads", &Request::threads, "CPU threads, 0 for all", 0, 1024);
  add_output_flags(r);
  add_signing_flags(r);
  flags->view.add(app);
  return [flags] { return decode(*flags); };
}

}  // namespace genvid::cli
