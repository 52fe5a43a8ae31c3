#include "jobs/batch_runner.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <thread>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/input_file.h"
#include "core/lack_of_memory.h"
#include "core/log.h"
#include "media/c2pa.h"
#include "media/sha256.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;
using Clock = BatchQueue::Clock;

constexpr std::chrono::milliseconds kClaimPoll{500};
constexpr int kInternal = 70;  // a bug, as for single clips
// Embeddings of a prompt have up to 8 MB, and are kept on the host.
constexpr size_t kPromptsAhead = 64;

bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

// A second name for the same file where the file system has that, else a copy.
void copy_file(const std::string& from, const std::string& to, bool overwrite) {
  if (!overwrite && ::link(from.c_str(), to.c_str()) == 0) {
    const fs::path folder = fs::path(to).has_parent_path() ? fs::path(to).parent_path() : ".";
    const int dir = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0) {
      if (::fsync(dir) != 0) log::debug("cannot sync the folder of a copy");
      ::close(dir);
    }
    return;
  }
  const InputFile in(from, ErrorKind::kOutput);
  AtomicFile out(to, overwrite);
  std::vector<char> buffer(size_t{1} << 20);
  for (uint64_t at = 0; at < in.size();) {
    const size_t bytes = std::min<uint64_t>(buffer.size(), in.size() - at);
    in.read_at(at, buffer.data(), bytes);
    out.write_all(buffer.data(), bytes);
    at += bytes;
  }
  out.commit();
}

// Credentials beside a file go with it.
void copy_credentials(const std::string& from, const std::string& to, bool overwrite) {
  const std::string beside = media::c2pa_sidecar_path(from);
  if (media::c2pa_format(from).embedded || !is_there(beside)) return;
  copy_file(beside, media::c2pa_sidecar_path(to), overwrite);
}

}  // namespace

void describe_file(const std::string& path, ClipOutcome& outcome) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    throw Error(ErrorKind::kOutput, "cannot read the finished " + log::printable(path) + ": " +
                                        std::generic_category().message(errno));
  }
  outcome.bytes = static_cast<uint64_t>(info.st_size);
  outcome.mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  outcome.sha256 = media::sha256_file(path);
}

ClipOutcome outcome_of(const std::function<ClipOutcome()>& make) {
  ClipOutcome outcome;
  try {
    return make();
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kCancelled) throw;
    outcome.code = e.exit_code();
    outcome.error = e.what();
  } catch (const std::exception& e) {  // one clip's end is not the batch's
    const bool memory = is_lack_of_memory(e);
    outcome.code = memory ? static_cast<int>(ErrorKind::kMemory) : kInternal;
    outcome.error =
        memory ? "out of memory" : std::string("internal error, please report it: ") + e.what();
  }
  return outcome;
}

BatchRun::BatchRun(const BatchContext& context)
    : context_(context), overwrite_(context.queue->clips().size()) {
  for (size_t i = 0; i < overwrite_.size(); ++i) {
    if (context_.queue->state(i) == BatchQueue::State::kWaiting) {
      ++open_[context_.queue->clips()[i].keys.pixels];
    }
  }
}

JournalEntry BatchRun::entry(size_t clip) const {
  const BatchClip& c = context_.queue->clips()[clip];
  JournalEntry e;
  e.id = c.clip.id;
  e.keys = c.keys;
  e.path = c.path;
  e.attempt = context_.queue->attempts(clip);
  return e;
}

bool BatchRun::claim(size_t clip) {
  if (context_.claims == nullptr) return true;
  const BatchClip& c = context_.queue->clips()[clip];
  switch (context_.claims->claim(c.clip.id, c.keys)) {
    case ClaimFolder::Answer::kBusy:
      context_.queue->put_back(clip, Clock::now(), kClaimPoll);
      return false;
    case ClaimFolder::Answer::kDone: {
      ClipOutcome outcome;
      outcome.end = ClipOutcome::End::kDone;
      outcome.note = "made by another process";
      context_.queue->finish(clip, outcome, Clock::now());
      clean_up(clip, true);
      return false;
    }
    case ClaimFolder::Answer::kMine:
      break;
  }
  // What a process that died has left may be there by now.
  if (is_there(c.path) && !c.overwrite) {
    overwrite_[clip] = read_journals(*context_.file, *context_.options).made(c.path);
  }
  return true;
}

bool BatchRun::copy(size_t clip) {
  BatchQueue& queue = *context_.queue;
  const BatchClip& c = queue.clips()[clip];
  if (!c.copy_of || queue.state(*c.copy_of) != BatchQueue::State::kDone) return false;
  const BatchClip& original = queue.clips()[*c.copy_of];
  const ClipOutcome outcome = outcome_of([&] {
    ClipOutcome copied;
    copy_file(original.path, c.path, c.overwrite || overwrite_[clip]);
    copy_credentials(original.path, c.path, c.overwrite || overwrite_[clip]);
    describe_file(c.path, copied);
    copied.end = ClipOutcome::End::kDone;
    copied.frames = c.frames;
    copied.note = "the same as " + original.clip.id;
    return copied;
  });
  end(clip, outcome);
  return true;
}

std::optional<size_t> BatchRun::start() {
  while (const auto clip = context_.queue->take(Clock::now())) {
    throw_if_cancelled();
    if (!claim(*clip)) continue;
    JournalEntry e = entry(*clip);
    e.status = "started";
    context_.journal->append(e);
    context_.observer->started(*context_.queue, *clip);
    stale_parts_.remove(e.path);
    if (copy(*clip)) continue;
    return clip;
  }
  return std::nullopt;
}

Request BatchRun::request(size_t clip) const {
  const BatchClip& c = context_.queue->clips()[clip];
  Request request = clip_request(*context_.file, c.clip, context_.options->expand);
  request.overwrite = c.overwrite || overwrite_[clip];
  return request;
}

ClipTask BatchRun::task(size_t clip) {
  const BatchClip& c = context_.queue->clips()[clip];
  ClipTask task;
  task.request = request(clip);
  task.ahead = [this, clip] {
    std::vector<Request> next;
    // Who claims clips one by one does not know which come to it.
    if (context_.claims != nullptr) return next;
    const size_t most = kPromptsAhead / context_.workers;
    for (const size_t other : context_.queue->upcoming(clip, most, context_.workers)) {
      if (!context_.work->has_latents(context_.queue->clips()[other].keys)) {
        next.push_back(request(other));
      }
    }
    return next;
  };
  task.keep = context_.work->keep(c.keys);
  task.keep.checkpoint_steps = context_.options->checkpoint_steps;
  task.keep.checkpoint_seconds = context_.options->checkpoint_seconds;
  return task;
}

// A crash before this leaves files that the next run removes.
void BatchRun::clean_up(size_t clip, bool done) {
  const JobKeys& keys = context_.queue->clips()[clip].keys;
  const auto open = open_.find(keys.pixels);
  const bool last = open == open_.end() || --open->second == 0;
  if (done && last) context_.work->remove(keys, !context_.options->keep_latents);
}

void BatchRun::end(size_t clip, const ClipOutcome& outcome) {
  JournalEntry e = entry(clip);
  const bool done = outcome.end == ClipOutcome::End::kDone;
  e.status = done ? "done" : "failed";
  e.bytes = outcome.bytes;
  e.mtime_ns = outcome.mtime_ns;
  e.sha256 = outcome.sha256;
  e.frames = outcome.frames;
  e.seconds = outcome.seconds;
  e.peak_device_bytes = outcome.peak_device_bytes;
  e.kept_latents = done && context_.options->keep_latents;
  e.memory_rung = outcome.memory_rung;
  e.note = outcome.note;
  e.code = outcome.code;
  e.error = outcome.error;
  context_.journal->append(e);
  // Its file may be whole and in place already: it did not come to say so.
  if (outcome.end == ClipOutcome::End::kCrashed) overwrite_[clip] = true;
  if (context_.claims != nullptr) done ? context_.claims->done() : context_.claims->release();
  const bool again = context_.queue->finish(clip, outcome, Clock::now());
  if (!again) clean_up(clip, done);
  if (!done && !again && context_.fail_fast) {
    context_.queue->stop("stopped after " + e.id + " failed (--fail-fast)");
  }
  context_.observer->ended(*context_.queue, clip, outcome, again);
}

void run_in_process(const BatchContext& context, ClipMaker& maker) {
  BatchRun run(context);
  while (true) {
    const auto clip = run.start();
    if (!clip) {
      const auto wait = context.queue->wait(Clock::now());
      if (!wait) return;
      throw_if_cancelled();
      std::this_thread::sleep_for(std::min<Clock::duration>(*wait, std::chrono::milliseconds(100)));
      continue;
    }
    run.end(*clip, outcome_of([&] { return maker.make(run.task(*clip)); }));
  }
}

}  // namespace genvid
