#include "quality/series.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace genvid::quality {

double mean(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double z_score(const std::vector<double>& series, int64_t at, int64_t reach,
               const std::vector<int64_t>& skip) {
  const auto n = static_cast<int64_t>(series.size());
  std::vector<double> around;
  for (int64_t i = std::max<int64_t>(1, at - reach); i <= std::min(n - 1, at + reach); ++i) {
    if (i == at || std::binary_search(skip.begin(), skip.end(), i)) continue;
    around.push_back(series[static_cast<size_t>(i)]);
  }
  if (around.size() < 2) return 0;
  const double m = mean(around);
  double squares = 0;
  for (const double v : around) squares += (v - m) * (v - m);
  const double deviation = std::sqrt(squares / static_cast<double>(around.size()));
  const double floor = std::max(0.1 * std::fabs(m), 0.1);
  return (series[static_cast<size_t>(at)] - m) / std::max(deviation, floor);
}

double quarter_cycle_share(const std::vector<double>& series) {
  constexpr int64_t kReach = 4;
  const auto n = static_cast<int64_t>(series.size());
  if (n < 4 * kReach) return 0;
  double energy = 0, even = 0, odd = 0;
  int64_t count = 0;
  for (int64_t i = kReach; i + kReach < n; ++i, ++count) {
    double slow = 0;
    for (int64_t k = -kReach; k <= kReach; ++k) slow += series[static_cast<size_t>(i + k)];
    const double x = series[static_cast<size_t>(i)] - slow / (2 * kReach + 1);
    energy += x * x;
    constexpr double kCos[4] = {1, 0, -1, 0}, kSin[4] = {0, 1, 0, -1};
    even += x * kCos[i % 4];
    odd += x * kSin[i % 4];
  }
  if (energy < 1e-9 * static_cast<double>(count)) return 0;
  return std::min(1.0, 2 * (even * even + odd * odd) / (static_cast<double>(count) * energy));
}

}  // namespace genvid::quality
