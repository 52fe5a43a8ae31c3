#include "jobs/batch_queue.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "genvid/error.h"

namespace genvid {
namespace {

constexpr std::chrono::seconds kFirstDelay{1};
constexpr std::chrono::seconds kLongestDelay{60};

bool ended(BatchQueue::State state) {
  return state != BatchQueue::State::kWaiting && state != BatchQueue::State::kRunning;
}

}  // namespace

std::vector<size_t> batch_order(const std::vector<BatchClip>& clips) {
  std::vector<size_t> order(clips.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto rank = [&](size_t i) {
    const BatchClip& c = clips[i];
    return std::tuple<int, const std::string&, int, int, int64_t>(
        -c.priority, c.model, c.size.width, c.size.height, c.frames);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return rank(a) < rank(b); });
  return order;
}

bool may_pass(int code) {
  // What the user must change first: usage, model, an output that is there already.
  return code != static_cast<int>(ErrorKind::kUsage) && code != static_cast<int>(ErrorKind::kModel);
}

bool glob_match(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*') {
      ++p;
      ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

BatchQueue::BatchQueue(std::vector<BatchClip> clips, int retries)
    : clips_(std::move(clips)),
      states_(clips_.size(), State::kWaiting),
      reasons_(clips_.size()),
      attempts_(clips_.size(), 0),
      not_before_(clips_.size()),
      order_(batch_order(clips_)),
      place_(clips_.size()),
      retries_(retries) {
  counts_[static_cast<size_t>(State::kWaiting)] = clips_.size();
  for (size_t i = 0; i < order_.size(); ++i) place_[order_[i]] = i;
  for (size_t clip = 0; clip < clips_.size(); ++clip) {
    ++jobs_[clips_[clip].clip.job].open;
    for (const size_t job : clips_[clip].after) jobs_[job].dependents.push_back(clip);
  }
}

void BatchQueue::set(size_t clip, State state) {
  --counts_[static_cast<size_t>(states_[clip])];
  ++counts_[static_cast<size_t>(state)];
  if (state == State::kDone && states_[clip] != State::kDone) --jobs_[clips_[clip].clip.job].open;
  states_[clip] = state;
}

void BatchQueue::settle(size_t clip, State state, std::string reason) {
  set(clip, state);
  reasons_[clip] = std::move(reason);
}

bool BatchQueue::ready(size_t clip) const {
  const BatchClip& c = clips_[clip];
  // A copy whose original failed is made on its own.
  if (c.copy_of && !ended(states_[*c.copy_of])) return false;
  return std::all_of(c.after.begin(), c.after.end(),
                     [&](size_t job) { return jobs_.at(job).open == 0; });
}

void BatchQueue::skip_dependents(size_t failed) {
  for (std::vector<size_t> ends = {failed}; !ends.empty();) {
    const size_t end = ends.back();
    ends.pop_back();
    const std::vector<size_t> dependents = std::move(jobs_[clips_[end].clip.job].dependents);
    jobs_[clips_[end].clip.job].dependents.clear();
    for (const size_t clip : dependents) {
      if (states_[clip] != State::kWaiting) continue;
      settle(clip, State::kSkipped,
             "it comes after " + clips_[end].clip.id + ", which is " +
                 (states_[end] == State::kFailed ? "failed" : "skipped"));
      ends.push_back(clip);
    }
  }
}

std::vector<size_t> BatchQueue::upcoming(size_t clip, size_t most, size_t stride) const {
  std::vector<size_t> next;
  size_t seen = 0;
  for (size_t i = place_[clip] + 1; i < order_.size() && next.size() < most; ++i) {
    const size_t other = order_[i];
    if (clips_[other].model != clips_[clip].model) break;
    if (states_[other] != State::kWaiting || clips_[other].copy_of) continue;
    if (++seen % stride == 0) next.push_back(other);
  }
  return next;
}

std::optional<size_t> BatchQueue::take(Clock::time_point now) {
  while (first_open_ < order_.size() && ended(states_[order_[first_open_]])) ++first_open_;
  for (size_t i = first_open_; i < order_.size(); ++i) {
    const size_t clip = order_[i];
    if (states_[clip] != State::kWaiting || not_before_[clip] > now || !ready(clip)) continue;
    set(clip, State::kRunning);
    ++attempts_[clip];
    return clip;
  }
  return std::nullopt;
}

std::optional<BatchQueue::Clock::duration> BatchQueue::wait(Clock::time_point now) const {
  std::optional<Clock::duration> least;
  for (size_t i = first_open_; i < order_.size(); ++i) {
    const size_t clip = order_[i];
    if (states_[clip] != State::kWaiting || !ready(clip)) continue;
    const auto left = std::max(Clock::duration::zero(), not_before_[clip] - now);
    if (left == Clock::duration::zero()) return left;
    least = least ? std::min(*least, left) : left;
  }
  return least;
}

void BatchQueue::put_back(size_t clip, Clock::time_point now, Clock::duration delay) {
  set(clip, State::kWaiting);
  not_before_[clip] = now + delay;
  --attempts_[clip];
}

bool BatchQueue::finish(size_t clip, const ClipOutcome& outcome, Clock::time_point now) {
  if (outcome.end == ClipOutcome::End::kDone) {
    settle(clip, State::kDone, outcome.note);
    return false;
  }
  const bool crashed = outcome.end == ClipOutcome::End::kCrashed;
  const int allowed = std::max(retries_, crashed ? 1 : 0);
  if (attempts_[clip] <= allowed && (crashed || may_pass(outcome.code))) {
    set(clip, State::kWaiting);
    const auto delay = kFirstDelay * (1 << std::min(attempts_[clip] - 1, 6));
    not_before_[clip] = crashed ? now : now + std::min<Clock::duration>(delay, kLongestDelay);
    return true;
  }
  settle(clip, State::kFailed, outcome.error);
  skip_dependents(clip);
  return false;
}

void BatchQueue::stop(const std::string& reason) {
  for (size_t clip = 0; clip < clips_.size(); ++clip) {
    if (states_[clip] == State::kWaiting) settle(clip, State::kSkipped, reason);
  }
}

}  // namespace genvid
