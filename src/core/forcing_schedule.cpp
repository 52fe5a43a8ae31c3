#include "core/forcing_schedule.h"

#include <algorithm>

namespace genvid {

bool ForcingSchedule::steps_in(size_t row, size_t block) const {
  const int state = rows[row][block];
  const int before = row == 0 ? 0 : rows[row - 1][block];
  return state != before && state <= steps;
}

ForcingSchedule plan_forcing(int64_t blocks, int steps, int64_t ar_step, int64_t ready) {
  ForcingSchedule out;
  out.steps = steps;
  const int finished = steps + 1;
  std::vector<int> row(static_cast<size_t>(blocks), 0);
  std::fill_n(row.begin(), ready, finished);
  const auto done = [&](int state) { return state >= steps; };
  while (!std::all_of(row.begin(), row.end(), done)) {
    std::vector<int> next(row.size());
    int64_t before = 0;  // the new state of the block before, not yet held to the range
    for (size_t b = 0; b < row.size(); ++b) {
      const bool follows = b > 0 && !done(row[b - 1]);
      before = follows ? before - ar_step : row[b] + 1;
      next[b] = static_cast<int>(std::clamp<int64_t>(before, 0, finished));
    }
    row = next;
    out.rows.push_back(std::move(next));
  }
  return out;
}

int64_t forcing_rows(int64_t blocks, int steps, int64_t ar_step, int64_t ready) {
  if (ready >= blocks) return 0;
  return steps + (blocks - ready - 1) * std::min<int64_t>(ar_step, steps);
}

}  // namespace genvid
