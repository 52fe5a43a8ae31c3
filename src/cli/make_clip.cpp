#include "cli/make_clip.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/best_of.h"
#include "cli/clip_inputs.h"
#include "cli/engine_loader.h"
#include "cli/model_locator.h"
#include "cli/output_flags.h"
#include "cli/plan_text.h"
#include "cli/prompt_check.h"
#include "cli/recorded_output.h"
#include "cli/restart.h"
#include "cli/session.h"
#include "jobs/machine.h"
#include "jobs/model_check.h"
#include "jobs/plan.h"

namespace genvid::cli {
namespace {

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
  check_model(model, find_description(model));
  load_inputs(request, plan);
  for (const std::string& w : plan.warnings) warn(w);
  if (!request.output.empty()) {
    media::check_output(output_options(request), plan.spec.size, plan.spec.fps,
                        plan.past_frames + plan.spec.frames);
  }
  check_new_file(request.save_latents, request.overwrite, "--save-latents");
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
    move_inputs(plan, again);
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

// So that candidates share what does not depend on their seed.
void prepare_choice(Engine& engine, const Plan& plan) {
  if (plan.candidates < 2) return;
  engine.hold_weights(plan.spec.device == "cpu" && holds_weights(plan, available_memory()));
  engine.encode({plan.spec});
}

// What decides the last bits of a clip and is another here than it was.
void tell_differences(const Json& original, const EngineInfo& here) {
  const auto tell = [&](const char* key, const char* what, const std::string& now) {
    const auto was = original.find(key);
    if (was == original.end() || !was->is_string() || *was == now) return;
    warn(std::string("made with ") + what + " " + was->get<std::string>() + ", here is " + now +
         ": frames may differ");
  };
  tell("genvid", "genvid", GENVID_VERSION);
  tell("torch", "torch", here.torch_version);
  tell("cpu", "the instruction set", here.cpu_capability);
}

}  // namespace

int make_clip(const Request& request, const MakeClipOptions& options) {
  restart_with_sleeping_threads();
  const ModelFolder model = ModelFolder::open(locate_model(request.model));
  Plan plan = checked_plan(request, model, options.dry_run);
  if (options.dry_run) return 0;
  if (!request.seed && options.mode != ProgressMode::kJson) {
    std::fprintf(stderr, "genvid: seed %llu\n", static_cast<unsigned long long>(plan.spec.seed));
  }
  static ProgressView view(options.mode);  // the engine's host: as long-lived as its library
  const std::unique_ptr<Engine> engine = load_engine(view);
  settle_device(*engine, request, model, plan);
  view.note(note_prompt(*engine, model, plan));
  const EngineInfo here = engine->info();
  prepare_choice(*engine, plan);
  const SeedChoice choice(*engine, request.output, plan);
  if (choice.made()) view.chosen(plan.spec.seed, choice.text(), choice.scores_json());
  plan.spec.rescue_latents = rescue_path(request.output);
  if (options.original.is_object()) tell_differences(options.original, here);
  const auto sink = open_clip_output(ClipRecorder(here).begin(request, plan), request, plan);
  ClipResult result;
  try {
    result = engine->generate(plan.spec, *sink);
  } catch (...) {
    view.clear();
    throw;
  }
  view.clear();
  view.done(request.output, result);
  report_result(request, plan, result, options.mode);
  return 0;
}

}  // namespace genvid::cli
