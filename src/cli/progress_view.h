// Shows the engine's progress on stderr: a bar with stage, step and time left on a terminal, JSON
// lines for programs, or nothing.
#pragma once

#include <chrono>
#include <mutex>
#include <string>

#include "core/json.h"
#include "genvid/engine.h"
#include "jobs/prompt_note.h"

namespace genvid::cli {

enum class ProgressMode { kBar, kJson, kNone };

// Seconds as h:mm:ss or m:ss, and a bar of `width` signs.
std::string clock_text(double seconds);
std::string bar_text(int64_t done, int64_t total, int width);

// "auto" is a bar when stderr is a terminal, else nothing. Throws Error(kUsage).
ProgressMode parse_progress_mode(const std::string& text);

class ProgressView : public Host {
 public:
  explicit ProgressView(ProgressMode mode) : mode_(mode) {}
  ~ProgressView() override { clear(); }

  void progress(const ProgressEvent& event) override;  // from any thread
  // What stands before the bar from now on, such as the bar of a whole batch; shown at once.
  void set_prefix(const std::string& prefix);
  // Removes the bar, so that a line can be printed in its place.
  void clear();
  // What the model makes of the prompt: {"event":"prompt", ...}, or a warning.
  void note(const PromptNote& note);
  // What --best-of kept, and why: {"event":"chosen", ...}, or the text.
  void chosen(uint64_t seed, const std::string& text, const Json& candidates);
  // The last JSON line: {"event":"done", ...}.
  void done(const std::string& output, const ClipResult& result);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const ProgressEvent& event, double elapsed);

  ProgressMode mode_;
  std::mutex mutex_;
  std::string prefix_;
  std::string stage_;
  Clock::time_point stage_start_;
  Clock::time_point last_draw_;
  bool drawn_ = false;
};

}  // namespace genvid::cli
