// genvid "PROMPT" -o FILE: checks everything that needs no weights, then loads the engine and runs.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/engine_loader.h"
#include "cli/flags.h"
#include "cli/model_locator.h"
#include "cli/output_flags.h"
#include "cli/plan_text.h"
#include "cli/prompt_source.h"
#include "cli/recorded_output.h"
#include "cli/restart.h"
#include "cli/session.h"
#include "core/request_json.h"
#include "genvid/error.h"
#include "jobs/machine.h"
#include "jobs/model_check.h"
#include "jobs/plan.h"
#include "media/image_reader.h"

namespace genvid::cli {
namespace {

struct GenerateFlags {
  explicit GenerateFlags(CLI::App& app) : fields(app) {}
  RequestFlags fields;
  PromptSource prompt;
  ViewFlags view;
  std::string config;
  bool dry_run = false;
};

void add_prompt_flags(CLI::App& app, GenerateFlags& f) {
  app.add_option("PROMPT", f.prompt.argument, "What to show; - reads it from standard input");
  app.add_option("--prompt", f.prompt.flag, "The same as a flag, for any text");
  app.add_option("--prompt-file", f.prompt.file, "Read it from a file")->type_name("FILE");
  f.fields.text("--negative-prompt", &Request::negative_prompt, "What not to show");
  app.add_option("--config", f.config, "Settings from a JSON file; flags win")->type_name("FILE");
}

void add_clip_flags(GenerateFlags& f) {
  RequestFlags& r = f.fields;
  r.text("-o,--output", &Request::output,
         "FILE.mp4, .mov, .mkv, ..., name_%05d.png, or - (stdout)");
  r.text("--model", &Request::model, "Model folder, or a name of `genvid models list`");
  r.number("--seconds", &Request::seconds, "Length of the clip");
  r.frames("--frames", "Length in frames");
  r.size("--size", "Even numbers, e.g. 832x480");
  r.fps("--fps", "Playback rate");
  r.text("--image", &Request::image, "First frame, for models that take one");
  r.text("--last-image", &Request::last_image, "Last frame, for models that take one");
}

void add_sampling_flags(GenerateFlags& f) {
  RequestFlags& r = f.fields;
  r.integer("--steps", &Request::num_inference_steps, "Denoising steps", 1, 1000);
  r.number("--guidance-scale", &Request::guidance_scale, "How closely to follow the prompt");
  r.number("--guidance-scale-2", &Request::guidance_scale_2, "The same for the second expert");
  r.number("--shift", &Request::shift, "Flow shift of the schedule");
  r.text("--scheduler", &Request::scheduler, "unipc or euler");
  r.seed("--seed", "Same seed, same clip; random by default");
  r.text("--noise", &Request::noise, "philox, or torch to compare with the reference");
  r.text("--rollout", &Request::rollout,
         "How a clip longer than the model's window is made: auto, window, overlap or continue");
  r.text("--device", &Request::device, "auto, cpu, cuda or cuda:N");
  r.text("--dtype", &Request::dtype, "auto, fp32 or bf16");
  r.text("--vae-dtype", &Request::vae_dtype, "auto, fp32 or bf16");
  r.integer("--threads", &Request::threads, "CPU threads, 0 for all", 0, 1024);
  r.text("--init-latents", &Request::init_latents, "Start from these latents (safetensors)");
  r.text("--save-latents", &Request::save_latents, "Write the final latents (safetensors)");
}

Request resolve_request(const GenerateFlags& f) {
  Request request;
  if (!f.config.empty()) {
    apply_request_json(read_json_file(f.config, ErrorKind::kUsage), f.config, ErrorKind::kUsage,
                       request);
  }
  f.fields.apply(request);
  if (const auto prompt = f.prompt.read()) {
    request.prompt = *prompt;
  } else if (request.prompt.empty()) {
    throw Error(ErrorKind::kUsage,
                "no prompt: say what to show, e.g. genvid \"a house by the sea\" -o out.mp4; see "
                "genvid --help");
  }
  check_prompt(request.prompt, "the prompt");
  if (request.output.empty() && !f.dry_run) {
    throw Error(ErrorKind::kUsage, "no output: give -o FILE, e.g. -o out.mp4");
  }
  return request;
}

// Where latents go when the output fails after sampling: on another disk than the output's if the
// temporary folder is one, since a full disk is the usual reason.
std::string rescue_path(const std::string& output) {
  namespace fs = std::filesystem;
  const fs::path parent = fs::path(output).parent_path();
  const std::string name = fs::path(output).filename().string() + ".latents.safetensors";
  if (output.empty() || output == "-") return "";
  std::error_code error;
  const fs::path temporary = fs::temp_directory_path(error);
  struct stat here {
  }, there{};
  const bool other = !error && stat(parent.empty() ? "." : parent.c_str(), &here) == 0 &&
                     stat(temporary.c_str(), &there) == 0 && here.st_dev != there.st_dev &&
                     access(temporary.c_str(), W_OK) == 0;
  return ((other ? temporary : parent) / name).string();
}

// Everything that can be refused without weights.
Plan checked_plan(const Request& request, const ModelFolder& model, bool dry_run) {
  Plan plan = make_plan(request, model);
  for (const std::string& w : plan.warnings) warn(w);
  check_model(model, find_description(model));
  if (!request.output.empty()) {
    media::check_output(output_options(request), plan.spec.size, plan.spec.fps, plan.spec.frames);
  }
  check_new_file(request.save_latents, request.overwrite, "--save-latents");
  if (!request.image.empty()) {
    plan.spec.image = media::read_image(request.image, plan.spec.model_size);
  }
  if (!request.last_image.empty()) {
    plan.spec.last_image = media::read_image(request.last_image, plan.spec.model_size);
  }
  if (request.device != "auto") require_driver(plan.spec.device);
  const bool cpu = plan.spec.device == "cpu";
  if (dry_run) {
    std::fputs(plan_text(plan, request.output, cpu ? available_memory() : 0).c_str(), stdout);
  }
  if (cpu) require_memory(plan, available_memory());
  return plan;
}

// The engine knows the devices; the plan only guessed.
void settle_device(Engine& engine, const Request& request, const ModelFolder& model, Plan& plan) {
  if (plan.spec.device == "cpu") return;
  if (available_device(engine, plan.spec.device, request.device == "auto") == "cpu") {
    Request on_cpu = request;
    on_cpu.device = "cpu";
    on_cpu.seed = plan.spec.seed;
    Plan again = make_plan(on_cpu, model);
    again.spec.image = std::move(plan.spec.image);
    again.spec.last_image = std::move(plan.spec.last_image);
    plan = std::move(again);
    require_memory(plan, available_memory());
    return;
  }
  for (const DeviceInfo& d : engine.info().devices) {
    if (d.name == plan.spec.device && d.free_bytes > 0) require_memory(plan, d.free_bytes);
  }
}

void report_result(const Request& request, const Plan& plan, const ClipResult& result,
                   ProgressMode mode) {
  if (mode == ProgressMode::kBar) {
    double seconds = 0;
    for (const StageTime& t : result.times) seconds += t.seconds;
    std::fprintf(stderr, "genvid: %lld frames in %s, seed %llu\n",
                 static_cast<long long>(result.frames), seconds_text(seconds).c_str(),
                 static_cast<unsigned long long>(plan.spec.seed));
  }
  if (result.fp32_retry) warn("a non-finite result was made again in fp32");
  if (request.output != "-") std::printf("%s\n", request.output.c_str());
}

int generate(const GenerateFlags& f) {
  const ProgressMode mode = f.view.apply();
  if (f.prompt.argument == "-" || f.prompt.file) restart_with_sleeping_threads();
  const Request request = resolve_request(f);
  restart_with_sleeping_threads();
  const ModelFolder model = ModelFolder::open(locate_model(request.model));
  Plan plan = checked_plan(request, model, f.dry_run);
  if (f.dry_run) return 0;
  if (!request.seed && mode != ProgressMode::kJson) {
    std::fprintf(stderr, "genvid: seed %llu\n", static_cast<unsigned long long>(plan.spec.seed));
  }
  static ProgressView view(mode);  // the engine's host: as long-lived as the engine's library
  const std::unique_ptr<Engine> engine = load_engine(view);
  settle_device(*engine, request, model, plan);
  plan.spec.rescue_latents = rescue_path(request.output);
  const auto sink = media::open_output(recorded_options(request, plan));
  ClipResult result;
  try {
    result = engine->generate(plan.spec, *sink);
  } catch (...) {
    view.clear();
    throw;
  }
  view.clear();
  view.done(request.output, result);
  report_result(request, plan, result, mode);
  return 0;
}

}  // namespace

Command add_generate(CLI::App& app) {
  const auto flags = std::make_shared<GenerateFlags>(app);
  add_prompt_flags(app, *flags);
  add_clip_flags(*flags);
  add_sampling_flags(*flags);
  add_output_flags(flags->fields);
  app.add_flag("--dry-run", flags->dry_run, "Print the plan and stop");
  flags->view.add(app);
  return [flags] { return generate(*flags); };
}

}  // namespace genvid::cli
