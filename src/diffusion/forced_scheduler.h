// Diffusion forcing (Chen et al. 2024): every latent frame has its own noise level, and so its own
// solver. A step of this sampler is one row of a schedule: some blocks of frames take their next
// step, the others stay as they are. Frames with the same history share a solver, which works
// element by element. After its first step a solver is as the reference's is then, which is not
// what the paper says: see remember_first_step.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/forcing_schedule.h"
#include "diffusion/scheduler.h"

namespace genvid {

struct ForcedFrames {
  int64_t count = 0;  // latent frames, whole blocks
  int64_t block = 1;  // of so many
  int64_t known = 0;  // the first ones are given and never change
};

class ForcedScheduler final : public Scheduler {
 public:
  using MakeSolver = std::function<std::unique_ptr<Scheduler>()>;
  // schedule: of frames.count / frames.block blocks.
  ForcedScheduler(ForcingSchedule schedule, const ForcedFrames& frames, const MakeSolver& make);

  int64_t rows() const { return static_cast<int64_t>(schedule_.rows.size()); }
  // What the network sees of every latent frame in this row, fp32 [1, T] on the CPU; waiting frames
  // are at 999, finished and known ones at 0.
  Tensor frame_timesteps(int64_t row) const;

  Tensor step(const Tensor& noise_pred, int64_t row, const Tensor& sample) override;
  // Of all solvers side by side; NaN where a frame's has nothing to remember yet.
  State state() const override;
  void restore(int64_t row, const State& state) override;

 private:
  struct Run {  // of neighbouring frames
    int64_t first, count;
    size_t block;  // one of its blocks, for the schedule
    std::unique_ptr<Scheduler> solver;
  };

  ForcingSchedule schedule_;
  ForcedFrames frames_;
  std::vector<Run> runs_;
  std::vector<int64_t> shape_;  // of the latents
};

}  // namespace genvid
