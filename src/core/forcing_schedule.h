// The order in which blocks of latent frames are denoised when each has a noise level of its own
// (diffusion forcing): all together, or each some steps behind the one before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace genvid {

struct ForcingSchedule {
  int steps = 0;
  // One row a pass of the network, of one state per block: 0 = waiting, in pure noise; s
  // of 1..steps = at the s-th timestep; steps + 1 = finished.
  std::vector<std::vector<int>> rows;

  // Whether a block takes its step in this row.
  bool steps_in(size_t row, size_t block) const;
};

// ready: blocks that are finished before the first row. ar_step: how many steps a block lags behind
// the one before it; 0 = none.
ForcingSchedule plan_forcing(int64_t blocks, int steps, int64_t ar_step, int64_t ready);

// Rows of that schedule, without making it.
int64_t forcing_rows(int64_t blocks, int steps, int64_t ar_step, int64_t ready);

}  // namespace genvid
