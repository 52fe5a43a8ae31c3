#include "cli/progress_view.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/session.h"
#include "core/json.h"
#include "genvid/error.h"

namespace genvid::cli {

std::string clock_text(double seconds) {
  const auto s = static_cast<long long>(seconds + 0.5);
  char text[48];
  if (s >= 3600) {
    std::snprintf(text, sizeof(text), "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  } else {
    std::snprintf(text, sizeof(text), "%lld:%02lld", s / 60, s % 60);
  }
  return text;
}

std::string bar_text(int64_t done, int64_t total, int width) {
  const int64_t whole = std::max<int64_t>(total, 1);
  const int filled = static_cast<int>(std::clamp<int64_t>(done, 0, whole) * width / whole);
  return "[" + std::string(filled, '#') + std::string(width - filled, '.') + "]";
}

ProgressMode parse_progress_mode(const std::string& text) {
  if (text == "auto") return isatty(STDERR_FILENO) != 0 ? ProgressMode::kBar : ProgressMode::kNone;
  if (text == "bar") return ProgressMode::kBar;
  if (text == "json") return ProgressMode::kJson;
  if (text == "none") return ProgressMode::kNone;
  throw Error(ErrorKind::kUsage, "--progress is \"" + text.substr(0, 64) +
                                     "\", expected one of: auto, bar, json, none");
}

void ProgressView::progress(const ProgressEvent& event) {
  if (mode_ == ProgressMode::kNone) return;
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  const bool new_stage = event.stage != stage_;
  if (new_stage) {
    stage_ = event.stage;
    stage_start_ = now;
  }
  const double elapsed = std::chrono::duration<double>(now - stage_start_).count();
  if (mode_ == ProgressMode::kJson) {
    const Json line = {{"event", "progress"},
                       {"stage", event.stage},
                       {"done", event.done},
                       {"total", event.total},
                       {"seconds", elapsed}};
    std::fprintf(stderr, "%s\n", line.dump().c_str());
    return;
  }
  // Frames come fast at small sizes; a terminal is slow.
  const bool due = now - last_draw_ > std::chrono::milliseconds(50);
  if (!new_stage && !due && event.done != event.total) return;
  last_draw_ = now;
  draw(event, elapsed);
}

void ProgressView::draw(const ProgressEvent& event, double elapsed) {
  const int width = prefix_.empty() ? 24 : 12;
  const int64_t total = std::max<int64_t>(event.total, 1);
  const int64_t done = std::clamp<int64_t>(event.done, 0, total);
  std::string line = event.stage;
  line.resize(std::max<size_t>(line.size(), 8), ' ');
  line = prefix_ + line + " " + bar_text(done, total, width) + " ";
  line += std::to_string(done) + "/" + std::to_string(total) + "  " + clock_text(elapsed);
  if (done > 0 && done < total) {
    const double left = elapsed / static_cast<double>(done) * static_cast<double>(total - done);
    line += ", " + clock_text(left) + " left";
  }
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressView::set_prefix(const std::string& prefix) {
  if (mode_ != ProgressMode::kBar) return;
  const std::lock_guard lock(mutex_);
  prefix_ = prefix;
  stage_.clear();
  std::fprintf(stderr, "\r\033[K%s", prefix.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressView::clear() {
  const std::lock_guard lock(mutex_);
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

void ProgressView::note(const PromptNote& note) {
  if (mode_ != ProgressMode::kJson) {
    if (!note.warning.empty()) warn(note.warning);
    return;
  }
  if (!note.read) return;
  Json named = Json::object();
  for (const NamedAttribute& a : note.named) named[a.name] = a.value;
  Json line = {{"event", "prompt"},
               {"known", !note.nothing_known},
               {"named", named},
               {"unknown_words", note.unknown_words}};
  if (!note.warning.empty()) line["warning"] = note.warning;
  const std::lock_guard lock(mutex_);
  std::fprintf(stderr, "%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

void ProgressView::chosen(uint64_t seed, const std::string& text, const Json& candidates) {
  clear();
  const Json line = {{"event", "chosen"}, {"seed", seed}, {"candidates", candidates}};
  const std::lock_guard lock(mutex_);
  std::fprintf(stderr, "%s\n",
               mode_ == ProgressMode::kJson ? line.dump().c_str() : ("genvid: " + text).c_str());
}

void ProgressView::done(const std::string& output, const ClipResult& result) {
  if (mode_ != ProgressMode::kJson) return;
  Json times = Json::object();
  for (const StageTime& t : result.times) times[t.stage] = t.seconds;
  Json line = {
      {"event", "done"}, {"output", output}, {"frames", result.frames}, {"seconds", times}};
  if (result.peak_device_bytes > 0) line["peak_device_bytes"] = result.peak_device_bytes;
  if (result.fp32_retry) line["fp32_retry"] = true;
  const std::lock_guard lock(mutex_);
  std::fprintf(stderr, "%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

}  // namespace genvid::cli
