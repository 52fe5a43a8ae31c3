// Small statistics on series of numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace genvid::quality {

double mean(const std::vector<double>& values);
double median(std::vector<double> values);  // 0 when empty

// (value - mean) / deviation of the values within `reach` of `at`, those in `skip` and at itself
// left out. The deviation has a floor, so that a still clip does not make every breath a jump.
double z_score(const std::vector<double>& series, int64_t at, int64_t reach,
               const std::vector<int64_t>& skip);

// Share of the energy of a series, slow changes removed, at a quarter cycle per value.
double quarter_cycle_share(const std::vector<double>& series);

}  // namespace genvid::quality
