#include "cli/batch_view.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "cli/plan_text.h"
#include "core/json.h"
#include "core/log.h"
#include "core/parse_values.h"

namespace genvid::cli {
namespace {

using State = BatchQueue::State;

constexpr size_t kMostListed = 20;
constexpr size_t kLongestShown = 24;  // of an id, on the line with the bars

void json_line(const Json& json) {
  std::fprintf(stderr, "%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

std::string seconds_short(double seconds, double most = 100) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f s", seconds);
  return seconds < most ? text : seconds_text(seconds);
}

constexpr size_t kColumns = 8;

// Columns of equal width; the last is as long as it is.
std::string aligned(const std::vector<std::array<std::string, kColumns>>& rows) {
  std::array<size_t, kColumns> width{};
  for (const auto& row : rows) {
    for (size_t i = 0; i < kColumns; ++i) width[i] = std::max(width[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i + 1 < kColumns; ++i) {
      text += row[i] + std::string(width[i] - row[i].size() + 2, ' ');
    }
    text += row.back() + "\n";
  }
  return text;
}

size_t ended_count(const BatchQueue& queue) {
  return queue.clips().size() - queue.count(State::kWaiting) - queue.count(State::kRunning);
}

}  // namespace

double BatchView::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

// The estimate gives the proportions, this run the scale.
double BatchView::left() const {
  return estimate_done_ > 0 ? elapsed() * std::max(0.0, estimate_open_) / estimate_done_ : 0;
}

void BatchView::count_open(const BatchQueue& queue) {
  estimate_open_ = 0;
  for (size_t i = 0; i < queue.clips().size(); ++i) {
    const bool open = queue.state(i) == State::kWaiting || queue.state(i) == State::kRunning;
    if (open && !queue.clips()[i].copy_of) estimate_open_ += queue.clips()[i].seconds;
  }
}

void BatchView::json_progress(const std::string& id, const ProgressEvent& event) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  Stage& stage = stage_[id];
  if (stage.name != event.stage) stage = {event.stage, now};
  const double spent = std::chrono::duration<double>(now - stage.start).count();
  Json line = {{"event", "progress"},         {"id", id},
               {"stage", event.stage},        {"done", event.done},
               {"total", event.total},        {"seconds", spent},
               {"batch_eta_seconds", left()}, {"bytes", bytes_}};
  if (event.done > 0 && event.total > 0) {
    line["eta_seconds"] = spent / static_cast<double>(event.done) *
                          static_cast<double>(std::max<int64_t>(0, event.total - event.done));
  }
  json_line(line);
}

void BatchView::progress(const ProgressEvent& event) {
  if (mode_ == ProgressMode::kJson) {
    json_progress(current_, event);
  } else {
    bar_.progress(event);
  }
}

void BatchView::progress_of(const BatchQueue& queue, size_t clip, const ProgressEvent& event) {
  // One bar cannot show several clips: on a terminal the batch's stands alone.
  if (mode_ == ProgressMode::kJson) json_progress(queue.clips()[clip].clip.id, event);
}

void BatchView::show_batch(const BatchQueue& queue) {
  const size_t ended = ended_count(queue), all = queue.clips().size();
  std::string text = "clips " +
                     bar_text(static_cast<int64_t>(ended), static_cast<int64_t>(all), 12) + " " +
                     std::to_string(ended) + "/" + std::to_string(all);
  if (estimate_done_ > 0) text += ", " + clock_text(left()) + " left";
  if (!current_.empty()) text += "  " + current_.substr(0, kLongestShown);
  bar_.set_prefix(text + "  ");
}

void BatchView::started(const BatchQueue& queue, size_t clip) {
  if (estimate_open_ < 0) count_open(queue);
  current_ = queue.clips()[clip].clip.id;
  if (mode_ == ProgressMode::kJson) {
    json_line({{"event", "started"}, {"id", current_}, {"attempt", queue.attempts(clip)}});
  } else {
    show_batch(queue);
  }
}

void BatchView::ended(const BatchQueue& queue, size_t clip, const ClipOutcome& outcome,
                      bool again) {
  const BatchClip& c = queue.clips()[clip];
  const bool done = outcome.end == ClipOutcome::End::kDone;
  stage_.erase(c.clip.id);
  if (current_ == c.clip.id) current_.clear();
  if (done) {
    ++made_;
    bytes_ += outcome.bytes;
    if (!c.copy_of) estimate_done_ += c.seconds;
  }
  if (!again && !c.copy_of) estimate_open_ -= c.seconds;
  if (mode_ == ProgressMode::kJson) {
    Json line = {{"event", done    ? "done"
                           : again ? "retry"
                                   : "failed"},
                 {"id", c.clip.id},
                 {"ended", ended_count(queue)},
                 {"clips", queue.clips().size()},
                 {"eta_seconds", left()}};
    if (done)
      line.update({{"path", c.path}, {"bytes", outcome.bytes}, {"seconds", outcome.seconds}});
    if (!done) line.update({{"code", outcome.code}, {"error", outcome.error}});
    if (!outcome.note.empty()) line["note"] = outcome.note;
    json_line(line);
    return;
  }
  bar_.clear();
  if (mode_ == ProgressMode::kNone && done) return;
  std::string text =
      done ? c.path + " in " + seconds_short(outcome.seconds)
           : c.clip.id + (again ? " will be tried again: " : " failed: ") + outcome.error;
  if (!outcome.note.empty()) text += " (" + outcome.note + ")";
  std::fprintf(stderr, "genvid: [%zu/%zu] %s\n", ended_count(queue), queue.clips().size(),
               log::printable(text).c_str());
  show_batch(queue);
}

void BatchView::summary(const BatchQueue& queue, size_t done_before, double price_per_hour) {
  bar_.clear();
  const double seconds = elapsed();
  const double cost = seconds / 3600 * price_per_hour;
  const double clips = static_cast<double>(std::max<size_t>(1, made_));
  const size_t failed = queue.count(State::kFailed);
  const size_t skipped = queue.count(State::kSkipped);
  const size_t open = queue.count(State::kWaiting) + queue.count(State::kRunning);
  if (mode_ == ProgressMode::kJson) {
    json_line({{"event", "summary"},
               {"done", made_},
               {"done_before", done_before},
               {"failed", failed},
               {"skipped", skipped},
               {"open", open},
               {"bytes", bytes_},
               {"seconds", seconds},
               {"seconds_a_clip", made_ > 0 ? seconds / clips : 0},
               {"cost", cost},
               {"cost_a_clip", made_ > 0 ? cost / clips : 0}});
    return;
  }
  size_t listed = 0;
  for (size_t i = 0; i < queue.clips().size(); ++i) {
    const bool bad = queue.state(i) == State::kFailed;
    if (!bad && (queue.state(i) != State::kSkipped || queue.reason(i) == "above --limit")) continue;
    if (++listed > kMostListed) continue;
    std::fprintf(stderr, "  %s %s: %s\n", bad ? "failed " : "skipped",
                 queue.clips()[i].clip.id.c_str(), log::printable(queue.reason(i)).c_str());
  }
  if (listed > kMostListed) std::fprintf(stderr, "  and %zu more\n", listed - kMostListed);
  std::fprintf(stderr, "genvid: done %zu, done before %zu, failed %zu, skipped %zu", made_,
               done_before, failed, skipped);
  if (open > 0) std::fprintf(stderr, ", not begun %zu", open);
  std::fprintf(stderr, "; %s in all",
               seconds < 1000 ? seconds_short(seconds, 1000).c_str() : clock_text(seconds).c_str());
  if (made_ > 0) {
    std::fprintf(stderr, ", %s a clip, %s", seconds_short(seconds / clips).c_str(),
                 bytes_text(bytes_).c_str());
  }
  if (price_per_hour > 0) {
    std::fprintf(stderr, ", cost %.4f in all, %.4f a clip", cost, cost / clips);
  }
  std::fprintf(stderr, "\n");
}

std::string dry_run_text(const PreparedBatch& batch, bool keep_latents) {
  std::vector<std::string> state(batch.clips.size(), "to do");
  for (const auto& s : batch.settled) {
    state[s.clip] = s.state == State::kDone ? "done before" : "skipped: " + s.reason;
  }
  std::vector<std::array<std::string, kColumns>> rows;
  double seconds = 0;
  uint64_t peak = 0;
  uint64_t latents = 0;
  uint64_t largest = 0;
  size_t open = 0;
  for (const size_t i : batch_order(batch.clips)) {
    const BatchClip& c = batch.clips[i];
    std::string what = state[i];
    if (what == "to do") {
      ++open;
      if (!c.change.empty()) what = c.change;
      if (c.copy_of) what = "the same as " + batch.clips[*c.copy_of].clip.id;
      if (!c.copy_of) seconds += c.seconds;
      peak = std::max(peak, c.peak_bytes);
      latents += c.copy_of ? 0 : c.latent_bytes;
      largest = std::max(largest, c.latent_bytes);
    }
    rows.push_back({c.clip.id, std::to_string(c.frames) + " frames", to_text(c.size),
                    bytes_text(c.peak_bytes), seconds_text(c.seconds), log::printable(c.path),
                    c.keys.pixels.substr(0, 8), log::printable(what)});
  }
  std::string text = aligned(rows);
  text += std::to_string(open) + " of " + std::to_string(batch.clips.size()) + " clips to do";
  if (open > 0) {
    text += ", about " + seconds_text(seconds) + ", at most " + bytes_text(peak) + " of memory";
  }
  if (batch.disabled > 0) text += "; " + std::to_string(batch.disabled) + " jobs are disabled";
  text += "\n";
  if (batch.work_bytes > 0)
    text += "earlier runs have kept " + bytes_text(batch.work_bytes) + (open > 0 ? "; " : "");
  if (open == 0) return text + (batch.work_bytes > 0 ? "\n" : "");
  // Latents, and beside them the state of a sampler: four more like them.
  text += keep_latents
              ? "latents are kept: " + bytes_text(latents) + " in all"
              : "latents are kept while a clip is made, at most " + bytes_text(5 * largest) +
                    " with the sampler's state, and removed "
                    "when it is done (--keep-latents keeps them)";
  return text + "\n";
}

}  // namespace genvid::cli
