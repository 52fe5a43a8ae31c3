// Where in a clip the parts meet that were made apart: what `genvid quality` looks at for seams.
#pragma once

#include <cstdint>
#include <vector>

#include "jobs/plan.h"

namespace genvid {

// First frames of each part but the first; empty for a clip of one window. Blended windows meet in
// the middle of what they share.
std::vector<int64_t> chunk_borders(const Plan& plan, const Traits& traits);
// So many, the first ones, are recorded.
inline constexpr size_t kMostBorders = 1000;

// Frames of another video come first in the file; they meet the clip's own at a border, too.
void put_past_before(Plan& plan, int64_t frames);

}  // namespace genvid
