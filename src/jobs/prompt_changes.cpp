#include "jobs/prompt_changes.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/prompt_times.h"
#include "genvid/error.h"

namespace genvid {
namespace {

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g s", seconds);
  return text;
}

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorKind::kUsage, "--prompt-at: " + message);
}

// The index of the border that is nearest to a frame.
size_t nearest(const std::vector<int64_t>& borders, double frame) {
  const auto next = std::lower_bound(borders.begin(), borders.end(), std::llround(frame));
  if (next == borders.begin()) return 0;
  const auto before = next - 1;
  const bool after_is_nearer = next != borders.end() && static_cast<double>(*next) - frame <
                                                            frame - static_cast<double>(*before);
  return static_cast<size_t>((after_is_nearer ? next : before) - borders.begin());
}

void require_parts(const Plan& plan, double length) {
  const ClipSpec& spec = plan.spec;
  if (spec.rollout == "loop") {
    refuse("the windows of --loop go around, so it has one prompt; leave one of the two out");
  }
  if (!plan.borders.empty()) return;
  const std::string rollout = spec.rollout == "window" ? "" : " of rollout " + spec.rollout;
  const double window = static_cast<double>(plan.rollout.window_frames) / spec.fps.value();
  refuse("this clip of " + seconds_text(length) + " is one window" + rollout +
         ", which has one prompt; prompts change between the parts that overlap, continue, extend, "
         "diffusion-forcing and causal make of longer clips: ask for more --seconds than a window "
         "of " +
         seconds_text(window));
}

}  // namespace

void decide_prompt_changes(const Request& request, Plan& plan) {
  const std::vector<TimedPrompt> times = parse_prompt_times(request.prompt_at);
  if (times.empty()) return;
  plan.prompt_at = prompt_times_text(times);
  ClipSpec& spec = plan.spec;
  const double fps = spec.fps.value();
  const double length = static_cast<double>(spec.frames) / fps;
  require_parts(plan, length);
  for (const TimedPrompt& time : times) {
    check_prompt(time.prompt, "the prompt at " + seconds_text(time.seconds));
    if (time.seconds >= length) {
      refuse(seconds_text(time.seconds) + " is not before the clip's end, " + seconds_text(length));
    }
    const size_t border = nearest(plan.borders, time.seconds * fps);
    const auto part = static_cast<int64_t>(border) + 1;
    const double start = static_cast<double>(plan.borders[border]) / fps;
    if (!spec.prompt_changes.empty() && spec.prompt_changes.back().part >= part) {
      refuse(seconds_text(time.seconds) + " and the time before it both fall on the border at " +
             seconds_text(start) + "; parts of this clip are about " +
             seconds_text(length / static_cast<double>(plan.rollout.windows)));
    }
    spec.prompt_changes.push_back({part, time.prompt});
    plan.prompt_starts.push_back({time.seconds, start});
  }
}

}  // namespace genvid
