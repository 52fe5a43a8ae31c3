// What --dry-run prints.
#pragma once

#include <string>

#include "jobs/plan.h"

namespace genvid::cli {

std::string bytes_text(uint64_t bytes);    // "1.4 GiB"
std::string seconds_text(double seconds);  // "12 s", "3 min", "2.5 h"
std::string plan_text(const Plan& plan, const std::string& output, uint64_t available_bytes);

}  // namespace genvid::cli
