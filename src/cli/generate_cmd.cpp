// genvid "PROMPT" -o FILE: its flags to a request.
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/make_clip.h"
#include "cli/output_flags.h"
#include "cli/prompt_source.h"
#include "cli/restart.h"
#include "cli/session.h"
#include "core/limits.h"
#include "core/request_json.h"
#include "genvid/error.h"
#include "jobs/plan.h"

namespace genvid::cli {
namespace {

struct GenerateFlags {
  explicit GenerateFlags(CLI::App& app) : fields(app) {}
  RequestFlags fields;
  PromptSource prompt;
  ViewFlags view;
  std::string config;
  bool loop = false;
  bool dry_run = false;
};

void add_prompt_flags(CLI::App& app, GenerateFlags& f) {
  app.add_option("PROMPT", f.prompt.argument, "What to show; - reads it from standard input");
  app.add_option("--prompt", f.prompt.flag, "The same as a flag, for any text");
  app.add_option("--prompt-file", f.prompt.file, "Read it from a file")->type_name("FILE");
  f.fields.text("--negative-prompt", &Request::negative_prompt, "What not to show");
  f.fields.prompt_times("--prompt-at", "From this time on another prompt: 5s \"night falls\"");
  f.fields.prompt_times("--cut-at", "Likewise, with a hard cut to another scene (LongLive-2.0)",
                        true);
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
  r.text("--extend", &Request::extend,
         "Go on from the last frame of this video; its frames come first");
  r.flag("--only-new", &Request::only_new, true, "With --extend: leave its frames out");
}

void add_sampling_flags(GenerateFlags& f) {
  RequestFlags& r = f.fields;
  r.integer("--steps", &Request::num_inference_steps, "Denoising steps", 1, 1000);
  r.number("--guidance-scale", &Request::guidance_scale, "How closely to follow the prompt");
  r.number("--guidance-scale-2", &Request::guidance_scale_2,
           "The same for the second expert, or for windows that go on under a prompt");
  r.number("--shift", &Request::shift, "Flow shift of the schedule");
  r.text("--scheduler", &Request::scheduler,
         "unipc, euler, euler-even or, for causal checkpoints, renoise");
  r.seed("--seed", "Same seed, same clip; random by default");
  r.integer("--best-of", &Request::best_of,
            "Make so many seeds and keep the one with the smallest seams and drift", 1,
            limits::kMaxCandidates);
  r.text("--noise", &Request::noise, "philox, or torch to compare with the reference");
  r.text("--rollout", &Request::rollout,
         "How a clip longer than the model's window is made: auto, window, overlap, continue, "
         "extend, diffusion-forcing or causal; loop: see --loop");
  r.integer("--overlap-history", &Request::overlap_history,
            "Diffusion forcing: frames that a window takes over from the one before", 1,
            limits::kMaxFrames);
  r.integer("--causal-block-size", &Request::causal_block_size,
            "Diffusion forcing: latent frames that share a noise level; from 2 on none sees a "
            "later block",
            1, 1024);
  r.integer("--ar-step", &Request::ar_step,
            "Diffusion forcing: steps that a block lags behind the one before, 0 for none", 0,
            limits::kMaxSteps);
  r.number("--addnoise-condition", &Request::addnoise_condition,
           "Diffusion forcing: noise in what is taken over, of 1000; 20 is usual");
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
  if (f.loop) {
    if (request.rollout != "auto" && request.rollout != "loop") {
      throw Error(ErrorKind::kUsage, "--loop decides how a clip is made, and so does --rollout " +
                                         request.rollout + "; give one of the two");
    }
    request.rollout = "loop";
  }
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

int generate(const GenerateFlags& f) {
  MakeClipOptions options;
  options.mode = f.view.apply();
  options.dry_run = f.dry_run;
  if (f.prompt.argument == "-" || f.prompt.file) restart_with_sleeping_threads();
  return make_clip(resolve_request(f), options);
}

}  // namespace

Command add_generate(CLI::App& app) {
  const auto flags = std::make_shared<GenerateFlags>(app);
  add_prompt_flags(app, *flags);
  add_clip_flags(*flags);
  add_sampling_flags(*flags);
  add_output_flags(flags->fields);
  add_signing_flags(flags->fields);
  add_prompt_keeping_flags(flags->fields);
  app.add_flag("--loop", flags->loop, "The last frame flows into the first; as --rollout loop");
  app.add_flag("--dry-run", flags->dry_run, "Print the plan and stop");
  flags->view.add(app);
  return [flags] { return generate(*flags); };
}

}  // namespace genvid::cli
