#include "diffusion/forced_scheduler.h"

#include <ATen/ops/full.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "genvid/error.h"

namespace genvid {
namespace {

constexpr float kWaiting = 999;

bool same_history(const ForcingSchedule& schedule, size_t a, size_t b) {
  return std::all_of(schedule.rows.begin(), schedule.rows.end(),
                     [a, b](const std::vector<int>& row) { return row[a] == row[b]; });
}

// The reference hands its solvers views of the latents and then writes what they made into these:
// the sample that a solver remembers of its first step is the one after it. So were the published
// clips made.
void remember_first_step(Scheduler& solver, const Tensor& made) {
  Scheduler::State state = solver.state();
  const auto sample = state.find("last_sample");
  if (sample == state.end()) return;
  sample->second = made.clone();
  solver.restore(1, state);
}

}  // namespace

ForcedScheduler::ForcedScheduler(ForcingSchedule schedule, const ForcedFrames& frames,
                                 const MakeSolver& make)
    : schedule_(std::move(schedule)), frames_(frames) {
  for (int64_t first = frames.known; first < frames.count;) {
    const int64_t block = first / frames.block;
    const int64_t end = std::min((block + 1) * frames.block, frames.count);
    const auto b = static_cast<size_t>(block);
    if (!runs_.empty() && same_history(schedule_, runs_.back().block, b)) {
      runs_.back().count += end - first;
    } else {
      runs_.push_back({first, end - first, b, make()});
      sigmas_ = runs_.back().solver->sigmas();
      timesteps_ = runs_.back().solver->timesteps();
    }
    first = end;
  }
}

Tensor ForcedScheduler::frame_timesteps(int64_t row) const {
  const std::vector<int>& states = schedule_.rows[static_cast<size_t>(row)];
  std::vector<float> out(static_cast<size_t>(frames_.count), 0);
  for (int64_t f = frames_.known; f < frames_.count; ++f) {
    const int state = states[static_cast<size_t>(f / frames_.block)];
    if (state > schedule_.steps) continue;
    out[static_cast<size_t>(f)] =
        state == 0 ? kWaiting
                   : static_cast<float>(std::trunc(timesteps_[static_cast<size_t>(state - 1)]));
  }
  return at::tensor(out, at::kFloat).unsqueeze(0);
}

Tensor ForcedScheduler::step(const Tensor& noise_pred, int64_t row, const Tensor& sample) {
  const auto r = static_cast<size_t>(row);
  shape_ = sample.sizes().vec();
  Tensor out = sample.clone();
  for (Run& run : runs_) {
    if (!schedule_.steps_in(r, run.block)) continue;
    const auto part = [&run](const Tensor& x) { return x.narrow(2, run.first, run.count); };
    const int64_t index = schedule_.rows[r][run.block] - 1;
    part(out).copy_(run.solver->step(part(noise_pred), index, part(sample)));
    if (index == 0) remember_first_step(*run.solver, part(out));
  }
  return out;
}

Scheduler::State ForcedScheduler::state() const {
  State all;
  for (const Run& run : runs_) {
    for (const auto& [name, value] : run.solver->state()) {
      Tensor& whole = all[name];
      if (!whole.defined()) {
        whole = at::full(shape_, std::numeric_limits<float>::quiet_NaN(), value.options());
      }
      whole.narrow(2, run.first, run.count).copy_(value);
    }
  }
  return all;
}

void ForcedScheduler::restore(int64_t row, const State& state) {
  if (row > rows()) throw Error(ErrorKind::kOutput, "not the state of this sampler");
  for (Run& run : runs_) {
    State own;
    for (const auto& [name, whole] : state) {
      const Tensor part = whole.narrow(2, run.first, run.count);
      if (!at::isnan(part).all().item<bool>()) own[name] = part.clone();
    }
    int64_t done = 0;
    for (size_t r = 0; r < static_cast<size_t>(row); ++r) done += schedule_.steps_in(r, run.block);
    run.solver->restore(done, own);
  }
}

}  // namespace genvid
