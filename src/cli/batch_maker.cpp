#include "cli/batch_maker.h"

#include <filesystem>

#include "cli/engine_loader.h"
#include "cli/model_locator.h"
#include "cli/recorded_output.h"
#include "cli/session.h"
#include "jobs/machine.h"
#include "media/image_reader.h"

namespace genvid::cli {
namespace {

class EngineMaker : public ClipMaker {
 public:
  explicit EngineMaker(Host& host) : engine_(load_engine(host)), recorder_(engine_->info()) {}

  ClipOutcome make(const Request& request) override {
    const auto start = std::chrono::steady_clock::now();
    const ModelFolder model = ModelFolder::open(locate_model(request.model));
    Plan plan = planned(request, model);
    if (!request.image.empty()) {
      plan.spec.image = media::read_image(request.image, plan.spec.model_size);
    }
    if (!request.last_image.empty()) {
      plan.spec.last_image = media::read_image(request.last_image, plan.spec.model_size);
    }
    // Of an attempt that went wrong; the batch decided that this file may go.
    if (request.overwrite && !plan.spec.save_latents.empty()) {
      std::error_code ignored;
      std::filesystem::remove(plan.spec.save_latents, ignored);
    }
    const auto sink = media::open_output(recorder_.begin(request, plan));
    const ClipResult result = engine_->generate(plan.spec, *sink);
    ClipOutcome outcome;
    outcome.end = ClipOutcome::End::kDone;
    outcome.frames = result.frames;
    outcome.peak_device_bytes = result.peak_device_bytes;
    if (result.fp32_retry) outcome.note = "a non-finite result was made again in fp32";
    describe_file(request.output, outcome);
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return outcome;
  }

 private:
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
    for (const DeviceInfo& d : engine_->info().devices) {
      if (d.name == plan.spec.device && d.free_bytes > 0) require_memory(plan, d.free_bytes);
    }
    return plan;
  }

  std::unique_ptr<Engine> engine_;
  ClipRecorder recorder_;
};

}  // namespace

std::unique_ptr<ClipMaker> make_engine_maker(Host& host) {
  return std::make_unique<EngineMaker>(host);
}

}  // namespace genvid::cli
