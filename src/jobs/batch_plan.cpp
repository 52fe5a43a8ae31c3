#include "jobs/batch_plan.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "core/log.h"
#include "core/request_json.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostShown = 50;

fs::path output_dir(const JobFile& file, const BatchOptions& options) {
  const std::string& dir = options.expand.output_dir;
  return dir.empty() ? file.settings().output_dir : dir;
}

// "jobs" for dir/jobs.json; with its suffix, so that jobs.json and jobs.txt differ.
std::string base_name(const JobFile& file) { return fs::path(file.name()).filename().string(); }

bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

class Preparer {
 public:
  Preparer(const JobFile& file, const BatchOptions& options, const JournalView& journal,
           DigestCache& digests)
      : file_(file),
        options_(options),
        journal_(journal),
        digests_(digests),
        work_(work_path(file, options)) {}

  PreparedBatch run() {
    for (ExpandedClip& clip : expand_jobs(file_)) {
      if (!wanted(clip)) continue;
      add(std::move(clip));
    }
    refuse_inputs_to_come();
    if (!errors_.empty()) raise();
    link_after();
    batch_.work_bytes = work_.bytes();
    for (const JobEntry& job : file_.jobs()) batch_.disabled += job.enabled ? 0 : 1;
    apply_limit();
    return std::move(batch_);
  }

 private:
  bool wanted(const ExpandedClip& clip) const {
    if (!options_.shard.has(clip.id)) return false;
    if (options_.failed_only) {
      const JournalEntry* last = journal_.last(clip.id);
      if (last == nullptr || last->status != "failed") return false;
    }
    if (options_.only.empty()) return true;
    return std::any_of(options_.only.begin(), options_.only.end(),
                       [&](const std::string& glob) { return glob_match(glob, clip.id); });
  }

  void note(const ExpandedClip& clip, ErrorKind kind, const std::string& message) {
    if (errors_.empty()) kind_ = kind;
    ++error_count_;
    if (errors_.size() >= kMostShown) return;
    errors_.push_back(log::printable(file_.name()) + ":" + std::to_string(file_.line_of(clip.job)) +
                      ": job \"" + clip.id + "\": " + message);
  }

  [[noreturn]] void raise() const {
    std::string all;
    for (const std::string& line : errors_) all += (all.empty() ? "" : "\n") + line;
    if (error_count_ > errors_.size()) {
      all += "\nand " + std::to_string(error_count_ - errors_.size()) + " more errors";
    }
    throw Error(kind_, all);
  }

  const ModelFolder& model(const std::string& name) {
    auto& slot = models_[name];
    if (!slot) slot = std::make_unique<ModelFolder>(ModelFolder::open(options_.locate_model(name)));
    return *slot;
  }

  // Clips that differ only in what they show and where they go have one plan otherwise: reading the
  // model's configuration ten thousand times would take seconds.
  Plan plan_of(const Request& request) {
    Request common = request;
    common.prompt = "x";
    common.seed = 0;
    common.output.clear();
    common.save_latents.clear();
    common.preview.clear();
    const std::string key =
        request_to_json(common).dump(-1, ' ', false, Json::error_handler_t::replace);
    auto it = plans_.find(key);
    if (it == plans_.end()) it = plans_.emplace(key, make_plan(common, model(request.model))).first;
    Plan plan = it->second;
    check_prompt(request.prompt, "the prompt");
    plan.spec.prompt = request.prompt;
    plan.spec.seed = request.seed.value_or(0);
    plan.spec.save_latents = request.save_latents;
    return plan;
  }

  // One way to write a path, so that inputs and outputs can be held against each other.
  std::string plain_path(const std::string& path) const {
    return (here_ / path).lexically_normal().string();
  }

  void note_inputs(const Request& request, const ExpandedClip& clip) {
    for (const std::string* path : {&request.image, &request.last_image, &request.extend}) {
      if (!path->empty()) inputs_.push_back({clip, *path});
    }
  }

  // A clip is planned from its inputs as they are, so none may be what another clip of this run has
  // yet to make.
  void refuse_inputs_to_come() {
    std::unordered_set<size_t> done;
    for (const auto& settled : batch_.settled) {
      if (settled.state == BatchQueue::State::kDone) done.insert(settled.clip);
    }
    std::unordered_set<std::string> told;
    for (const auto& [clip, path] : inputs_) {
      const auto maker = paths_.find(plain_path(path));
      if (maker == paths_.end() || done.contains(maker->second)) continue;
      const std::string& id = batch_.clips[maker->second].clip.id;
      note(clip, ErrorKind::kUsage,
           "starts from " + log::printable(path) + ", which \"" + id +
               "\" of this batch has yet to make, and clips are planned before the first one is "
               "made, "
               "also those with \"after\"; make that first (--only " +
               id + "), then run the batch again");
      told.insert(clip.id);
    }
    for (const auto& [clip, error] : failed_inputs_) {
      if (!told.contains(clip.id)) note(clip, error.kind(), error.what());
    }
  }

  void add(ExpandedClip clip) {
    const size_t inputs = inputs_.size();
    try {
      Request request = clip_request(file_, clip, options_.expand);
      note_inputs(request, clip);
      if (request.output == "-" || request.output.find('%') != std::string::npos) {
        throw Error(ErrorKind::kUsage, "a batch writes files, not \"" + request.output +
                                           "\"; image sequences are for single clips");
      }
      const Plan plan = plan_of(request);
      BatchClip made;
      made.keys = make_job_keys(request, plan, digests_);
      made.path = request.output;
      made.model = plan.spec.model_dir;
      made.size = plan.spec.size;
      made.frames = plan.spec.frames;
      made.peak_bytes = plan.peak_bytes;
      made.latent_bytes = plan.latent_bytes;
      made.seconds = estimate_seconds(plan);
      made.priority = file_.jobs()[clip.job].priority;
      made.clip = clip;
      require_own_path(made);
      settle(made, batch_.clips.size());
      if (options_.check) {
        request.overwrite = true;  // what is there has been judged
        options_.check(request, plan);
      }
      const auto [first, fresh] = same_.emplace(made.keys.file, batch_.clips.size());
      if (!fresh) made.copy_of = first->second;
      batch_.clips.push_back(std::move(made));
    } catch (const Error& e) {
      if (e.kind() == ErrorKind::kCancelled) throw;
      if (inputs_.size() > inputs) {
        failed_inputs_.emplace_back(clip, e);
      } else {
        note(clip, e.kind(), e.what());
      }
    }
  }

  void require_own_path(const BatchClip& clip) {
    const auto [other, fresh] = paths_.emplace(plain_path(clip.path), batch_.clips.size());
    if (fresh) return;
    throw Error(ErrorKind::kUsage, "writes " + log::printable(clip.path) + " as \"" +
                                       batch_.clips[other->second].clip.id +
                                       "\" does; put {id} into its name");
  }

  // Which of the two it will be, for a clip whose file alone is to change.
  std::string change_of(const JournalEntry* last, const BatchClip& clip) const {
    if (last == nullptr || last->status != "done") return {};
    if (last->keys == clip.keys) return "to make again: its file has changed or gone";
    if (last->keys.pixels != clip.keys.pixels) return "to make again: its settings have changed";
    return work_.has_latents(clip.keys)
               ? "to encode again from kept latents: only its file's settings have changed"
               : "to make again: its file's settings have changed and no latents were kept";
  }

  // What an earlier run, or somebody else, has left at the clip's path.
  void settle(BatchClip& clip, size_t index) {
    const JournalEntry* last = journal_.last(clip.clip.id);
    if (last != nullptr && JournalView::is_complete(*last, clip.keys, clip.path)) {
      batch_.settled.push_back({index, BatchQueue::State::kDone, "done before"});
      if (!last->kept_latents && !options_.keep_latents && work_.has_files(clip.keys)) {
        batch_.leftovers.push_back(clip.keys);
      }
      return;
    }
    clip.change = change_of(last, clip);
    if (!is_there(clip.path)) return;
    if (journal_.made(clip.path)) {
      clip.overwrite = true;
      return;
    }
    const OnExist on_exist = options_.on_exist.value_or(file_.settings().on_exist);
    if (on_exist == OnExist::kFail) {
      throw Error(ErrorKind::kOutput, log::printable(clip.path) +
                                          " is there already, and this batch did not make it; move "
                                          "it, or pass --on-exist skip or overwrite");
    }
    clip.overwrite = on_exist == OnExist::kOverwrite;
    if (on_exist == OnExist::kSkip) {
      batch_.settled.push_back({index, BatchQueue::State::kSkipped,
                                clip.path + " is there already, and this batch did not make it"});
    }
  }

  // Only jobs with clips in this run are waited for.
  void link_after() {
    std::unordered_set<size_t> here;
    for (const BatchClip& clip : batch_.clips) here.insert(clip.clip.job);
    for (BatchClip& clip : batch_.clips) {
      for (const size_t job : file_.after(clip.clip.job)) {
        if (here.contains(job)) clip.after.push_back(job);
      }
    }
  }

  void apply_limit() {
    if (options_.limit == 0) return;
    std::vector<bool> ended(batch_.clips.size());
    for (const auto& settled : batch_.settled) ended[settled.clip] = true;
    uint64_t open = 0;
    for (const size_t i : batch_order(batch_.clips)) {
      if (ended[i] || ++open <= options_.limit) continue;
      batch_.settled.push_back({i, BatchQueue::State::kSkipped, "above --limit"});
    }
  }

  const JobFile& file_;
  const BatchOptions& options_;
  const JournalView& journal_;
  DigestCache& digests_;
  WorkFolder work_;
  PreparedBatch batch_;
  std::map<std::string, std::unique_ptr<ModelFolder>> models_;
  std::unordered_map<std::string, Plan> plans_;
  const fs::path here_ = fs::current_path();
  std::unordered_map<std::string, size_t> paths_;              // output -> clip
  std::vector<std::pair<ExpandedClip, std::string>> inputs_;   // clip, path
  std::vector<std::pair<ExpandedClip, Error>> failed_inputs_;  // of clips with inputs: told last
  std::unordered_map<std::string, size_t> same_;               // file key -> clip
  std::vector<std::string> errors_;
  size_t error_count_ = 0;
  ErrorKind kind_ = ErrorKind::kUsage;
};

}  // namespace

PreparedBatch prepare_batch(const JobFile& file, const BatchOptions& options,
                            const JournalView& journal, DigestCache& digests) {
  return Preparer(file, options, journal, digests).run();
}

fs::path journal_path(const JobFile& file, const BatchOptions& options, const std::string& part) {
  return output_dir(file, options) /
         ("." + base_name(file) + (part.empty() ? "" : "." + part) + ".journal.jsonl");
}

fs::path work_path(const JobFile& file, const BatchOptions& options) {
  return output_dir(file, options) / ("." + base_name(file) + ".work");
}

JournalView read_journals(const JobFile& file, const BatchOptions& options) {
  JournalView view;
  const fs::path dir = output_dir(file, options);
  const std::string start = "." + base_name(file) + ".";
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(dir.empty() ? "." : dir, error), end; it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with(start) && name.ends_with(".journal.jsonl")) found.push_back(it->path());
  }
  std::sort(found.begin(), found.end());
  for (const fs::path& path : found) view.read(path);
  if (view.damaged_lines() > 0) {
    log::warn("ignored " + std::to_string(view.damaged_lines()) + " damaged lines of the journal");
  }
  return view;
}

}  // namespace genvid
