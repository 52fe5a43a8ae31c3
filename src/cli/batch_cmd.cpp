// genvid batch FILE: plans and checks every clip of a job file, then makes what is not made yet.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <set>

#include "cli/batch_maker.h"
#include "cli/batch_slurm.h"
#include "cli/batch_view.h"
#include "cli/commands.h"
#include "cli/model_locator.h"
#include "cli/output_flags.h"
#include "cli/restart.h"
#include "cli/session.h"
#include "cli/signals.h"
#include "core/cancel.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "jobs/machine.h"
#include "jobs/model_check.h"
#include "jobs/supervisor.h"
#include "media/image_reader.h"
#include "media/past_clip.h"

#include <unistd.h>

namespace genvid::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kSomeFailed = 1;
constexpr int kTryAgain = 75;  // EX_TEMPFAIL: stopped, and another run goes on

struct BatchFlags {
  std::string file;
  std::string format;
  std::string output_dir;
  std::vector<std::string> set;
  std::vector<std::string> only;
  bool failed = false;
  uint64_t limit = 0;
  std::string on_exist;
  int retries = -1;
  bool fail_fast = false;
  bool keep_latents = false;
  int checkpoint_steps = 5;
  double checkpoint_seconds = 60;
  bool dry_run = false;
  std::string shard;
  std::string claim;
  double lease = 60;
  int workers = 0;
  double silence = 600;
  std::string emit;
  size_t tasks = 0;
  double price = 0;
  ViewFlags view;
};

void add_list_flags(CLI::App& app, BatchFlags& f) {
  app.add_option("FILE", f.file, "Jobs: .json, .jsonl or .txt; - reads standard input");
  app.add_option("--format", f.format, "json, jsonl or txt, whatever the file is called");
  app.add_option("-o,--out-dir", f.output_dir, "Where files go, instead of what FILE says");
  app.add_option("--set", f.set, "KEY=VALUE for every clip; can be repeated")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--only", f.only, "Ids to make, with * and ?; can be repeated")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--failed", f.failed, "Only what failed last time");
  app.add_option("--limit", f.limit, "Make at most so many clips");
  app.add_option("--on-exist", f.on_exist,
                 "skip, overwrite or fail, for files that this batch did not make");
}

void add_run_flags(CLI::App& app, BatchFlags& f) {
  app.add_option("--retries", f.retries, "Further attempts for a clip that fails, 0 to 10")
      ->check(CLI::Range(0, 10));
  app.add_flag("--fail-fast", f.fail_fast, "Stop at the first clip that fails");
  app.add_flag("--keep-latents", f.keep_latents,
               "Keep every clip's latents, so that another codec or quality costs no sampling");
  app.add_option("--checkpoint-steps", f.checkpoint_steps,
                 "Save a clip's sampling every N steps (default 5); 0 = only at a signal")
      ->check(CLI::Range(0, 1000));
  app.add_option("--checkpoint-after", f.checkpoint_seconds,
                 "... of clips that sample for at least so many seconds (default 60)")
      ->check(CLI::Range(0.0, 1e6));
  app.add_flag("--dry-run", f.dry_run, "Print the list with frames, memory and time, and stop");
  app.add_option("--workers", f.workers, "So many processes, one a GPU; lost ones are replaced")
      ->check(CLI::Range(1, 256));
  app.add_option("--silence", f.silence, "Seconds after which a silent worker is replaced")
      ->check(CLI::Range(0.1, 1e6));
  app.add_option("--shard", f.shard,
                 "PART/PARTS: this process's share, e.g. 0/4; found by itself "
                 "in Slurm arrays and Kubernetes indexed jobs");
  app.add_option("--claim", f.claim, "A shared folder in which processes claim clips one by one");
  app.add_option("--lease", f.lease, "Seconds after which a silent claim may be taken over")
      ->check(CLI::Range(1.0, 1e6));
  app.add_option("--emit", f.emit, "slurm: print a script for sbatch and stop");
  app.add_option("--tasks", f.tasks, "Array tasks of that script")->check(CLI::Range(1, 100'000));
  app.add_option("--price-per-hour", f.price, "Of the machine, for the cost in the table")
      ->check(CLI::Range(0.0, 1e6));
  f.view.add(app);
}

std::optional<JobFormat> format_of(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name == "json") return JobFormat::kJson;
  if (name == "jsonl") return JobFormat::kLines;
  if (name == "txt") return JobFormat::kText;
  throw Error(ErrorKind::kUsage, "--format is \"" + name + "\", expected json, jsonl or txt");
}

std::optional<OnExist> on_exist_of(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name == "skip") return OnExist::kSkip;
  if (name == "overwrite") return OnExist::kOverwrite;
  if (name == "fail") return OnExist::kFail;
  throw Error(ErrorKind::kUsage,
              "--on-exist is \"" + name + "\", expected skip, overwrite or fail");
}

// What generate checks of one clip, once for each kind of clip.
class ClipChecks {
 public:
  explicit ClipChecks(const BatchFlags& f)
      : dry_run_(f.dry_run), workers_(std::max(1, f.workers)) {}

  void operator()(const Request& request, const Plan& plan) {
    const ClipSpec& spec = plan.spec;
    for (const std::string& warning : plan.warnings) {
      if (warned_.insert(warning).second) warn(warning);
    }
    if (models_.insert(spec.model_dir).second) {
      const ModelFolder model = ModelFolder::open(spec.model_dir);
      check_model(model, find_description(model));
    }
    if (request.device != "auto") require_driver(spec.device);
    if (spec.device == "cpu" && !peaks_.contains(plan.peak_bytes)) {
      require_memory(plan, available_memory() / workers_);
      peaks_.insert(plan.peak_bytes);
    }
    for (const std::string& image : {request.image, request.last_image}) {
      if (!image.empty() && images_.insert(image).second) media::read_image(image, spec.model_size);
    }
    const Json past = {request.extend, spec.size.width, spec.size.height, spec.fps.num,
                       spec.fps.den};
    if (!request.extend.empty() && images_.insert(past.dump()).second) {
      media::read_past(request.extend, {spec.size, spec.fps}, 0);
    }
    if (dry_run_) return;
    std::error_code error;
    const fs::path folder = fs::path(request.output).parent_path();
    if (!folder.empty()) fs::create_directories(folder, error);
    Json kind = {request.codec,
                 request.pix_fmt,
                 folder.string(),
                 spec.size.width,
                 spec.size.height,
                 fs::path(request.output).extension().string(),
                 spec.fps.num,
                 spec.fps.den,
                 request.crf.value_or(-1),
                 request.bitrate.value_or(-1),
                 request.preset,
                 request.encoder_options,
                 request.output_size ? to_text(*request.output_size) : "",
                 request.output_fps ? to_text(*request.output_fps) : "",
                 request.sign,
                 request.cert};
    if (outputs_.insert(kind.dump()).second) {
      media::check_output(output_options(request), spec.size, spec.fps, spec.frames);
    }
  }

 private:
  bool dry_run_;
  uint64_t workers_;
  std::set<std::string> warned_, models_, images_, outputs_;
  std::set<uint64_t> peaks_;  // that fit
};

BatchOptions options_of(const BatchFlags& f) {
  BatchOptions options;
  for (const std::string& text : f.set) add_override(text, options.expand.overrides);
  options.expand.output_dir = f.output_dir;
  options.only = f.only;
  options.failed_only = f.failed;
  options.limit = f.limit;
  options.on_exist = on_exist_of(f.on_exist);
  options.locate_model = locate_model;
  options.keep_latents = f.keep_latents;
  options.checkpoint_steps = f.checkpoint_steps;
  options.checkpoint_seconds = f.checkpoint_seconds;
  if (!f.shard.empty()) {
    options.shard = parse_shard(f.shard);
  } else if (f.claim.empty() && f.emit.empty()) {
    const auto found =
        shard_of_environment([](const char* name) -> const char* { return std::getenv(name); });
    if (found) options.shard = *found;
  }
  if (!f.claim.empty() && f.workers > 1) {
    throw Error(ErrorKind::kUsage,
                "--claim and --workers do not go together: start several processes with --claim");
  }
  const auto checks = std::make_shared<ClipChecks>(f);
  options.check = [checks](const Request& r, const Plan& p) { (*checks)(r, p); };
  return options;
}

// Which journal is this process's own.
std::string part_name(const BatchFlags& f, const Shard& shard) {
  if (!f.claim.empty()) {
    char host[256] = {};
    ::gethostname(host, sizeof(host) - 1);
    return "claim-" + std::string(host) + "-" + std::to_string(::getpid());
  }
  if (shard.count == 1) return "";
  return std::to_string(shard.index) + "-of-" + std::to_string(shard.count);
}

std::string own_program() {
  std::error_code error;
  const fs::path path = fs::read_symlink("/proc/self/exe", error);
  if (error) throw Error(ErrorKind::kUnavailable, "cannot find genvid's own file in /proc");
  return path.string();
}

int gpu_count() {
  int count = 0;
  while (fs::exists("/dev/nvidia" + std::to_string(count))) ++count;
  return count;
}

int emit_script(const BatchFlags& f, const PreparedBatch& batch) {
  if (f.emit != "slurm") {
    throw Error(ErrorKind::kUsage, "--emit is \"" + f.emit + "\", expected slurm");
  }
  if (f.file == "-") throw Error(ErrorKind::kUsage, "--emit needs a job file, not standard input");
  SlurmOptions o;
  o.program = own_program();
  o.words = {fs::absolute(f.file).string()};
  const fs::path out = f.output_dir;
  if (!f.output_dir.empty())
    o.words.insert(o.words.end(), {"--out-dir", fs::absolute(out).string()});
  bool cpu = !has_gpu_driver();
  for (const std::string& set : f.set) {
    o.words.insert(o.words.end(), {"--set", set});
    if (set == "device=cpu") cpu = true;
    if (set.starts_with("device=cuda")) cpu = false;
  }
  if (!f.format.empty()) o.words.insert(o.words.end(), {"--format", f.format});
  if (f.retries >= 0) o.words.insert(o.words.end(), {"--retries", std::to_string(f.retries)});
  if (f.keep_latents) o.words.emplace_back("--keep-latents");
  o.name = fs::path(f.file).stem().string();
  o.gpu = !cpu;
  o.tasks = f.tasks > 0 ? f.tasks : std::min<size_t>(16, batch.clips.size());
  std::fputs(slurm_script(o).c_str(), stdout);
  return 0;
}

void run_queue(const BatchFlags& f, const BatchContext& context, BatchView& view) {
  if (!context.queue->wait(BatchQueue::Clock::now())) return;  // nothing to make: no engine
  if (f.workers == 0) {
    const auto maker = make_engine_maker(view);
    run_in_process(context, *maker);
    return;
  }
  SupervisorOptions supervisor;
  supervisor.workers = f.workers;
  supervisor.command = {own_program(), "batch-worker"};
  supervisor.gpus = gpu_count();
  supervisor.silence = std::chrono::milliseconds(static_cast<int64_t>(f.silence * 1000));
  supervisor.progress = [&](size_t clip, const ProgressEvent& event) {
    view.progress_of(*context.queue, clip, event);
  };
  run_supervised(context, supervisor);
}

int run_prepared(const BatchFlags& f, const JobFile& file, const BatchOptions& options,
                 PreparedBatch batch, ProgressMode mode) {
  static BatchView view(mode);  // the engine's host: as long-lived as its library
  const int retries = f.retries >= 0 ? f.retries : file.settings().retries;
  BatchQueue queue(std::move(batch.clips), retries);
  size_t done_before = 0;
  for (const auto& settled : batch.settled) {
    queue.settle(settled.clip, settled.state, settled.reason);
    done_before += settled.state == BatchQueue::State::kDone ? 1 : 0;
  }
  Journal journal(journal_path(file, options, part_name(f, options.shard)));
  std::unique_ptr<ClaimFolder> claims;
  if (!f.claim.empty()) {
    claims = std::make_unique<ClaimFolder>(
        f.claim, std::chrono::milliseconds(static_cast<int64_t>(f.lease * 1000)));
  }
  WorkFolder work(work_path(file, options));
  BatchContext context{&file,
                       &options,
                       &queue,
                       &journal,
                       claims.get(),
                       &view,
                       &work,
                       f.fail_fast || file.settings().fail_fast,
                       static_cast<size_t>(std::max(1, f.workers))};
  int code = 0;
  try {
    run_queue(f, context, view);
  } catch (const Error& e) {
    view.clear();
    if (e.kind() != ErrorKind::kCancelled) throw;
    code = cancel_signal() == SIGINT ? 130 : kTryAgain;
  }
  for (const JobKeys& keys : batch.leftovers) work.remove(keys, true);
  // Others may be about to write into a folder that they share.
  if (options.shard.count == 1 && claims == nullptr) work.close();
  view.summary(queue, done_before, f.price);
  if (code != 0) return code;
  return queue.count(BatchQueue::State::kFailed) > 0 ? kSomeFailed : 0;
}

int batch(const BatchFlags& f) {
  if (f.file.empty()) {
    throw Error(ErrorKind::kUsage, "no job file: genvid batch jobs.json; see genvid batch --help");
  }
  const ProgressMode mode = f.view.apply();
  BatchOptions options = options_of(f);
  restart_with_sleeping_threads();
  const JobFile file = JobFile::read(f.file, format_of(f.format));
  options.keep_latents = options.keep_latents || file.settings().keep_latents;
  std::unique_ptr<BatchLock> lock;
  const bool runs = !f.dry_run && f.emit.empty();
  if (runs) {
    const fs::path journal = journal_path(file, options, part_name(f, options.shard));
    std::error_code error;
    if (journal.has_parent_path()) fs::create_directories(journal.parent_path(), error);
    lock = std::make_unique<BatchLock>(journal.string() + ".lock");
    install_signal_handlers();
  }
  DigestCache digests(DigestCache::default_path());
  PreparedBatch prepared = prepare_batch(file, options, read_journals(file, options), digests);
  if (!f.emit.empty()) return emit_script(f, prepared);
  if (f.dry_run) {
    std::fputs(dry_run_text(prepared, options.keep_latents).c_str(), stdout);
    return 0;
  }
  return run_prepared(f, file, options, std::move(prepared), mode);
}

// A job file can have many faults at once, one a line.
int reported(const BatchFlags& f) {
  try {
    return batch(f);
  } catch (const Error& e) {
    const std::string all = e.what();
    if (all.find('\n') == std::string::npos) throw;
    for (size_t at = 0; at < all.size();) {
      const size_t end = std::min(all.find('\n', at), all.size());
      std::fprintf(stderr, "genvid: error: %s\n", log::printable(all.substr(at, end - at)).c_str());
      at = end + 1;
    }
    return e.exit_code();
  }
}

}  // namespace

Command add_batch(CLI::App& app) {
  const auto flags = std::make_shared<BatchFlags>();
  add_list_flags(app, *flags);
  add_run_flags(app, *flags);
  return [flags] { return reported(*flags); };
}

int run_batch_worker() {
  install_worker_signal_handlers();
  // Lines to the supervisor go to a descriptor of their own: what libraries print stays apart.
  const int out = ::dup(STDOUT_FILENO);
  if (out < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    throw Error(ErrorKind::kUnavailable, "cannot set up the worker's output");
  }
  log::set_level(log::Level::kError);
  serve_worker(STDIN_FILENO, out, make_engine_maker);
  return 0;
}

}  // namespace genvid::cli
