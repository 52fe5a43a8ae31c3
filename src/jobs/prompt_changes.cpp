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
  if (spec.rollout == "loop" || spec.closes) {
    refuse("--loop comes back to where it began, so it has one prompt; leave one of the two out");
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

[[noreturn]] void refuse_cut(const std::string& message) {
  throw Error(ErrorKind::kUsage, "--cut-at: " + message);
}

// What the checkpoint was trained to be told of a cut.
const SceneCut& cut_of(const Traits& traits, const Plan& plan) {
  if (plan.spec.rollout == "causal" && traits.causal && traits.causal->cut) {
    return *traits.causal->cut;
  }
  refuse_cut(traits.title +
             (plan.spec.rollout == "causal" ? "" : ", rollout " + plan.spec.rollout + ",") +
             " was not trained on cuts; LongLive-2.0 was (genvid.json: \"rollout\": {..., \"cut\": "
             "{...}}): use it, or --prompt-at, or make one clip for each scene");
}

// Time goes on by the offset of each cut, besides that of the clip.
void require_positions(const Traits& traits, const Plan& plan) {
  const auto cuts = static_cast<int64_t>(plan.cuts.size());
  if (cuts == 0) return;
  const CausalRollout& c = *traits.causal;
  const int64_t past = plan.rollout.past_frames > 0 ? c.window - c.block : 0;
  const int64_t needed = past + plan.latent_frames + cuts * c.cut->offset;
  if (needed <= c.max_latents) return;
  refuse_cut(std::to_string(cuts) + " cuts in " + std::to_string(plan.latent_frames) +
             " latent frames need " + std::to_string(needed) + " positions in time; " +
             traits.title + " has " + std::to_string(c.max_latents) + "; make a shorter clip");
}

void add_change(const TimedPrompt& time, size_t border, const Traits& traits, Plan& plan) {
  ClipSpec& spec = plan.spec;
  const auto part = static_cast<int64_t>(border) + 1;
  const double start = static_cast<double>(plan.borders[border]) / spec.fps.value();
  plan.prompt_starts.push_back({time.seconds, start, time.prompt, time.cut});
  if (!time.cut) {
    spec.prompt_changes.push_back({part, time.prompt});
    return;
  }
  const SceneCut& cut = cut_of(traits, plan);
  spec.cut_offset = cut.offset;
  plan.cuts.push_back(plan.borders[border]);
  spec.prompt_changes.push_back({part, cut.prompt_prefix + time.prompt, true});
  // Only the first block is told that this is another scene.
  const bool last = part + 1 == plan.rollout.windows;
  if (!cut.prompt_prefix.empty() && !last) spec.prompt_changes.push_back({part + 1, time.prompt});
}

}  // namespace

void decide_prompt_changes(const Request& request, const Traits& traits, Plan& plan) {
  const std::vector<TimedPrompt> times = parse_prompt_times(request.prompt_at);
  if (times.empty()) return;
  plan.prompt_at = prompt_times_text(times);
  ClipSpec& spec = plan.spec;
  const double fps = spec.fps.value();
  const double length = static_cast<double>(spec.frames) / fps;
  for (const TimedPrompt& time : times) {
    if (time.cut) cut_of(traits, plan);
  }
  require_parts(plan, length);
  for (const TimedPrompt& time : times) {
    check_prompt(time.prompt, "the prompt at " + seconds_text(time.seconds));
    if (time.seconds >= length) {
      refuse(seconds_text(time.seconds) + " is not before the clip's end, " + seconds_text(length));
    }
    const size_t border = nearest(plan.borders, time.seconds * fps);
    const auto part = static_cast<int64_t>(border) + 1;
    std::vector<PromptChange>& changes = spec.prompt_changes;
    // The block behind a cut may have a prompt of its own.
    const bool behind_cut =
        changes.size() > 1 && changes[changes.size() - 2].cut && changes.back().part == part;
    if (behind_cut) changes.pop_back();
    if (!changes.empty() && changes.back().part >= part) {
      const double start = static_cast<double>(plan.borders[border]) / fps;
      refuse(seconds_text(time.seconds) + " and the time before it both fall on the border at " +
             seconds_text(start) + "; parts of this clip are about " +
             seconds_text(length / static_cast<double>(plan.rollout.windows)));
    }
    add_change(time, border, traits, plan);
  }
  require_positions(traits, plan);
  std::erase_if(plan.borders, [&](int64_t b) {
    return std::binary_search(plan.cuts.begin(), plan.cuts.end(), b);
  });
}

}  // namespace genvid
