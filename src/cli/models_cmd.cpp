// genvid models list | info DIR | tensors DIR | check DIR [--against REF.safetensors]
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/engine_loader.h"
#include "cli/model_locator.h"
#include "cli/plan_text.h"
#include "cli/restart.h"
#include "cli/session.h"
#include "core/json.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "genvid/error.h"
#include "jobs/machine.h"
#include "jobs/model_check.h"

namespace genvid::cli {
namespace {

int list_all() {
  const std::vector<FoundModel> models = list_models();
  for (const FoundModel& m : models) {
    std::string title;
    try {
      const ModelFolder folder = ModelFolder::open(m.dir);
      title = find_description(folder).traits(folder).title;
    } catch (const Error& e) {
      title = std::string("cannot be used: ") + e.what();
    }
    std::printf("%-20s %-18s %s\n", log::printable(m.name).c_str(), log::printable(title).c_str(),
                log::printable(m.dir.string()).c_str());
  }
  if (models.empty()) {
    std::string places;
    for (const auto& p : model_places()) places += (places.empty() ? "" : ", ") + p.string();
    warn("no models in " + places);
  }
  return 0;
}

const char* need(ImageInput input) {
  return input == ImageInput::kNone       ? "no"
         : input == ImageInput::kOptional ? "optional"
                                          : "required";
}

int show(const std::string& name) {
  const ModelFolder model = ModelFolder::open(locate_model(name));
  const Description& family = find_description(model);
  const Traits t = family.traits(model);
  const Geometry& g = t.geometry;
  std::printf("model      %s (family %s)\n", t.title.c_str(), std::string(family.family).c_str());
  std::printf("folder     %s\n", log::printable(model.dir().string()).c_str());
  std::printf("default    %s, %.4g s at %s frames a second, %d steps of %s, guidance %g",
              to_text(t.size).c_str(), t.seconds, to_text(t.fps).c_str(), t.num_inference_steps,
              t.scheduler.c_str(), t.guidance_scale);
  if (t.two_experts) std::printf(" and %g", t.guidance_scale_2);
  std::printf(", shift %g\n", t.shift);
  const std::string sizes = g.only_size.width > 0
                                ? "size " + to_text(g.only_size) + " or cropped from it"
                                : "sizes in steps of " + std::to_string(g.size_multiple);
  std::printf("grid       %s, frames %d n + %d, at most %lld in one window\n", sizes.c_str(),
              g.temporal_factor, g.first_frames, static_cast<long long>(g.max_frames));
  std::printf("pictures   first frame %s, last frame %s\n", need(t.image), need(t.last_image));
  for (const ComponentSummary& c : check_model(model, family)) {
    std::printf("%-16s %5llu tensors, %.4g M values, %s, %s\n", c.name.c_str(),
                static_cast<unsigned long long>(c.tensors), static_cast<double>(c.values) / 1e6,
                bytes_text(c.bytes).c_str(), c.dtype.c_str());
  }
  return 0;
}

// One object a component: tensor names to shapes, by the folder's configs.
int print_tensors(const std::string& name) {
  const ModelFolder model = ModelFolder::open(locate_model(name));
  Json out = Json::object();
  for (const ExpectedTensor& t : find_description(model).expected_tensors(model)) {
    if (t.required) out[t.component][t.name] = t.shape;
  }
  std::puts(out.dump(1).c_str());
  return 0;
}

struct CheckFlags {
  std::string model, against;
  std::string device = "cpu", dtype = "fp32";
  int threads = 0;
  ViewFlags view;
};

int check(const CheckFlags& f) {
  const ProgressMode mode = f.view.apply();
  restart_with_sleeping_threads();
  const ModelFolder model = ModelFolder::open(locate_model(f.model));
  for (const ComponentSummary& c : check_model(model, find_description(model))) {
    std::printf("ok   %-16s %llu tensors, names and shapes\n", c.name.c_str(),
                static_cast<unsigned long long>(c.tensors));
  }
  std::fflush(stdout);
  if (!f.against.empty()) read_safetensors_header(f.against);
  CheckSpec spec;
  spec.model_dir = model.dir().string();
  spec.reference = f.against;
  spec.device = f.device == "cuda" ? "cuda:0" : f.device;
  spec.dtype = f.dtype;
  spec.threads = f.threads > 0 ? f.threads : cpu_count();
  if (spec.dtype != "fp32" && spec.dtype != "bf16") {
    throw Error(ErrorKind::kUsage, "--dtype is \"" + spec.dtype + "\", expected fp32 or bf16");
  }
  require_driver(spec.device);
  static ProgressView view(mode);
  const std::unique_ptr<Engine> engine = load_engine(view);
  spec.device = available_device(*engine, spec.device, false);
  const std::vector<CheckLine> lines = engine->check(spec);
  view.clear();
  size_t failed = 0;
  for (const CheckLine& line : lines) {
    failed += line.passed ? 0 : 1;
    std::printf("%s %-28s", line.passed ? "ok  " : "FAIL", line.stage.c_str());
    if (!line.unit.empty()) {
      std::printf(" max abs %-10.3g relative rms %-10.3g gate %g %s", line.max_abs,
                  line.relative_rms, line.gate, line.unit.c_str());
    }
    std::printf("%s%s\n", line.note.empty() ? "" : "  ", log::printable(line.note).c_str());
  }
  std::fflush(stdout);
  if (failed == 0) return 0;
  throw Error(ErrorKind::kModel, std::to_string(failed) + " of " + std::to_string(lines.size()) +
                                     " checks failed for " + model.dir().string());
}

}  // namespace

void add_models(CLI::App& app, std::function<void(Command)> choose) {
  CLI::App* list = app.add_subcommand("list", "Models that names can be used for");
  list->allow_extras();
  list->callback([=] { choose(list_all); });

  CLI::App* info = app.add_subcommand("info", "What a model is, holds and does by default");
  info->allow_extras();
  const auto name = std::make_shared<std::string>();
  info->add_option("MODEL", *name, "Folder or name")->required();
  info->callback([=] { choose([name] { return show(*name); }); });

  CLI::App* tensors = app.add_subcommand(
      "tensors",
      "Names and shapes of the tensors that a folder with these configs must hold (JSON)");
  tensors->allow_extras();
  const auto folder = std::make_shared<std::string>();
  tensors->add_option("MODEL", *folder, "Folder or name")->required();
  tensors->callback([=] { choose([folder] { return print_tensors(*folder); }); });

  CLI::App* sub = app.add_subcommand("check", "Structure, shapes, types and finite values");
  sub->allow_extras();
  const auto f = std::make_shared<CheckFlags>();
  sub->add_option("MODEL", f->model, "Folder or name")->required();
  sub->add_option("--against", f->against,
                  "Compare every stage with REF.safetensors (REF.json beside it)");
  sub->add_option("--device", f->device, "cpu (default), cuda or cuda:N");
  sub->add_option("--dtype", f->dtype, "fp32 (default) or bf16");
  sub->add_option("--threads", f->threads, "CPU threads, 0 for all")->check(CLI::Range(0, 1024));
  f->view.add(*sub);
  sub->callback([=] { choose([f] { return check(*f); }); });
}

}  // namespace genvid::cli
