#include "cli/batch_maker.h"

#include <filesystem>
#include <set>

#include "cli/best_of.h"
#include "cli/clip_inputs.h"
#include "cli/engine_loader.h"
#include "cli/model_locator.h"
#include "cli/prompt_check.h"
#include "cli/recorded_output.h"
#include "cli/session.h"
#include "core/log.h"
#include "jobs/machine.h"

namespace genvid::cli {
namespace {

constexpr uint64_t kAheadBytes = uint64_t{1} << 30;  // for prompts encoded ahead

class EngineMaker : public ClipMaker {
 public:
  explicit EngineMaker(Host& host) : engine_(load_engine(host)), recorder_(engine_->info()) {}

  ClipOutcome make(const ClipTask& task) override {
    const Request& request = task.request;
    const auto start = std::chrono::steady_clock::now();
    const ModelFolder model = ModelFolder::open(locate_model(request.model));
    Plan plan = planned(request, model);
    load_inputs(request, plan);
    // Of an attempt that went wrong; the batch decided that this file may go.
    if (request.overwrite && !plan.spec.save_latents.empty()) {
      std::error_code ignored;
      std::filesystem::remove(plan.spec.save_latents, ignored);
    }
    plan.spec.keep = task.keep;
    const uint64_t free = free_bytes(plan.spec.device);
    engine_->hold_weights(holds_weights(plan, free));
    if (free > plan.peak_bytes + kAheadBytes) try_to_encode_ahead(plan, task);
    const PromptNote prompt = note_prompt(*engine_, model, plan);
    const SeedChoice choice(*engine_, request.output, plan);
    const auto sink = open_clip_output(recorder_.begin(request, plan), request, plan);
    const ClipResult result = engine_->generate(plan.spec, *sink);
    ClipOutcome outcome;
    outcome.end = ClipOutcome::End::kDone;
    outcome.frames = result.frames;
    outcome.peak_device_bytes = result.peak_device_bytes;
    outcome.memory_rung = result.memory_rung;
    // The best of several is decoded from its own latents, which says nothing.
    outcome.note = choice.made() ? choice.text() : note_of(result);
    if (!prompt.warning.empty()) {
      outcome.note += (outcome.note.empty() ? "" : "; ") + prompt.warning;
    }
    describe_file(request.output, outcome);
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return outcome;
  }

 private:
  // What goes wrong with it goes wrong again, and is told, when that clip's turn comes.
  void try_to_encode_ahead(const Plan& plan, const ClipTask& task) {
    try {
      encode_ahead(plan, task);
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::kCancelled) throw;
      log::debug(std::string("prompts are not encoded ahead: ") + e.what());
    }
  }

  // This clip's prompt and those of clips to come, when this one's has not been encoded yet.
  void encode_ahead(const Plan& plan, const ClipTask& task) {
    const auto name = [](const ClipSpec& s) {
      std::string all = s.model_dir + "\n" + s.device + "\n" + s.dtype + "\n" + s.prompt + "\n" +
                        s.negative_prompt;
      for (const PromptChange& change : s.prompt_changes) all += "\n" + change.prompt;
      return all;
    };
    if (encoded_.contains(name(plan.spec)) || !task.ahead) return;
    std::vector<ClipSpec> specs = {plan.spec};
    for (const Request& next : task.ahead()) {
      const ModelFolder model = ModelFolder::open(locate_model(next.model));
      ClipSpec spec = make_plan(next, model).spec;
      spec.device = plan.spec.device;
      if (spec.model_dir == plan.spec.model_dir && spec.dtype == plan.spec.dtype) {
        specs.push_back(std::move(spec));
      }
    }
    if (specs.size() == 1) return;  // it encodes its own
    encoded_.clear();
    engine_->encode(specs);
    for (const ClipSpec& spec : specs) encoded_.insert(name(spec));
  }

  // On the device that is really here.
  Plan planned(const Request& request, const ModelFolder& model) {
    Plan plan = make_plan(request, model);
    if (plan.spec.device != "cpu" &&
        available_device(*engine_, plan.spec.device, request.device == "auto") == "cpu") {
      Request on_cpu = request;
      on_cpu.device = "cpu";
      plan = make_plan(on_cpu, model);
    }
    if (plan.spec.device == "cpu") {
      require_memory(plan, available_memory());
      return plan;
    }
    require_memory(plan, free_bytes(plan.spec.device));
    return plan;
  }

  uint64_t free_bytes(const std::string& device) const {
    if (device == "cpu") return available_memory();
    for (const DeviceInfo& d : engine_->info().devices) {
      if (d.name == device && d.free_bytes > 0) return d.free_bytes;
    }
    return UINT64_MAX;
  }

  static std::string note_of(const ClipResult& result) {
    std::string note;
    const auto add = [&](const std::string& text) { note += (note.empty() ? "" : "; ") + text; };
    if (!result.sampled) {
      add("encoded from kept latents");
    } else if (result.resumed_steps > 0) {
      add("went on after " + std::to_string(result.resumed_steps) + " steps");
    }
    if (!result.memory_rung.empty()) add("memory ran out: " + result.memory_rung);
    if (result.fp32_retry) add("a non-finite result was made again in fp32");
    return note;
  }

  std::unique_ptr<Engine> engine_;
  ClipRecorder recorder_;
  std::set<std::string> encoded_;
};

}  // namespace

std::unique_ptr<ClipMaker> make_engine_maker(Host& host) {
  return std::make_unique<EngineMaker>(host);
}

}  // namespace genvid::cli
