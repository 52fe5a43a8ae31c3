// genvid rerun FILE -o AGAIN.mp4: the same clip from the settings in a file.
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "cli/commands.h"
#include "cli/file_marks.h"
#include "cli/flags.h"
#include "cli/make_clip.h"
#include "cli/model_locator.h"
#include "cli/output_flags.h"
#include "cli/session.h"
#include "core/log.h"
#include "genvid/error.h"
#include "jobs/history.h"
#include "jobs/job_key.h"
#include "jobs/record.h"
#include "jobs/rerun.h"

namespace genvid::cli {
namespace {

struct RerunFlags {
  explicit RerunFlags(CLI::App& app) : fields(app), prompt_times(app) {}
  RequestFlags fields;  // -o and what is not recorded
  RequestFlags prompt_times;
  ViewFlags view;
  std::string file;
  std::optional<std::string> prompt, negative_prompt, model, device;
  std::map<std::string, std::optional<std::string>> inputs;
  bool anyway = false;
  bool dry_run = false;
};

// The record in the file's tags; for a file that lost them, the history's for the clip that the
// invisible mark names.
Json find_record(const std::string& file, const History& history) {
  const media::FileInfo info = media::probe(file);
  Json record = record_in(info.tags);
  if (record.is_object()) return record;
  const media::WatermarkReading mark = media::detect_watermark(file);
  if (mark.found && mark.crc_ok) {
    const std::string id = short_id_text(mark.payload.clip_id);
    if (auto entry = history.find(id)) return entry->record;
    throw Error(ErrorKind::kUsage, log::printable(file) +
                                       " has lost its settings; its invisible "
                                       "mark names clip " +
                                       id + ", which the history here does not know");
  }
  return nullptr;
}

void check_weights(const Json& record, const Request& request, bool anyway) {
  const std::string dir = locate_model(request.model).string();
  DigestCache digests(DigestCache::default_path());
  const std::string here = digests.model(dir);
  const auto was = record.find("model_digest");
  const std::string made = was != record.end() && was->is_string() ? was->get<std::string>() : "";
  if (made == here) return;
  const std::string what = "the weights in " + log::printable(dir) +
                           " are not those that made it (" +
                           (made.empty() ? "it does not say which"
                                         : "digest " + log::printable(made.substr(0, 12)) +
                                               "..., here " + here.substr(0, 12) + "...") +
                           ")";
  if (anyway) return warn(what + ": frames will differ");
  throw Error(ErrorKind::kModel,
              what + "; give the right folder with --model, or --anyway to go on");
}

std::string suffix_of(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

int rerun(const RerunFlags& f) {
  MakeClipOptions options;
  options.mode = f.view.apply();
  options.dry_run = f.dry_run;
  const History history(History::default_path());
  options.original = find_record(f.file, history);
  RerunSources sources;
  sources.what = log::printable(f.file);
  sources.prompt = f.prompt;
  sources.negative_prompt = f.negative_prompt;
  Request given;
  f.prompt_times.apply(given);
  if (!given.prompt_at.empty()) sources.prompt_at = given.prompt_at;
  for (const auto& [key, path] : f.inputs) {
    if (path) sources.inputs[key] = *path;
  }
  sources.secret = user_secret(user_data_dir());
  if (options.original.is_object()) {
    const auto id = options.original.find("clip_id");
    if (id != options.original.end() && id->is_string()) {
      sources.history = history.find(id->get<std::string>());
    }
  }
  RerunPlan plan = plan_rerun(options.original, sources);
  for (const std::string& note : plan.notes) warn(note);
  if (f.model) plan.request.model = *f.model;
  if (f.device && *f.device != plan.request.device) {
    warn("made on " + plan.request.device + ", now on " + *f.device + ": frames may differ");
    plan.request.device = *f.device;
  }
  check_weights(options.original, plan.request, f.anyway);
  f.fields.apply(plan.request);
  if (plan.request.output.empty() && !f.dry_run) {
    throw Error(ErrorKind::kUsage, "no output: give -o FILE, e.g. -o again.mp4");
  }
  if (plan.request.codec.empty() && suffix_of(f.file) != suffix_of(plan.request.output)) {
    warn("another kind of file has another codec: decoded frames may differ a little");
  }
  return make_clip(plan.request, options);
}

}  // namespace

Command add_rerun(CLI::App& app) {
  const auto flags = std::make_shared<RerunFlags>(app);
  app.add_option("FILE", flags->file, "A file that genvid made")->required();
  flags->fields.text("-o,--output", &Request::output, "As for genvid itself");
  app.add_option("--prompt", flags->prompt, "Where neither file nor history has it");
  app.add_option("--negative-prompt", flags->negative_prompt, "Likewise");
  flags->prompt_times.prompt_times("--prompt-at", "Likewise");
  flags->prompt_times.prompt_times("--cut-at", "Likewise", true);
  for (const char* key : {"image", "last_image", "extend", "init_latents"}) {
    std::string flag = "--" + std::string(key);
    std::replace(flag.begin(), flag.end(), '_', '-');
    app.add_option(flag, flags->inputs[key], "Likewise; checked against the digest in the file")
        ->type_name("FILE");
  }
  app.add_option("--model", flags->model, "Model folder, when it has another name here");
  app.add_option("--device", flags->device, "auto, cpu, cuda or cuda:N, where it was another");
  app.add_flag("--anyway", flags->anyway, "Go on with other weights than it was made with");
  app.add_flag("--dry-run", flags->dry_run, "Print the plan and stop");
  flags->fields.flag("--overwrite", &Request::overwrite, true, "Replace the output if it exists");
  add_signing_flags(flags->fields);
  add_prompt_keeping_flags(flags->fields);
  flags->view.add(app);
  return [flags] { return rerun(*flags); };
}

}  // namespace genvid::cli
