// Every stage of a checkpoint against a reference file of scripts/parity.
#pragma once

#include <vector>

#include "families/family.h"
#include "genvid/engine.h"
#include "pipeline/progress.h"

namespace genvid {

// Each transformer call gets the reference's own inputs; in fp32 the latents of each step are also
// made freely from the first noise on, and the frames from those. In half precision only the calls
// are gated (relative RMS), since free runs drift apart.
std::vector<CheckLine> check_against(const Family& family, const LoadContext& context,
                                     const CheckSpec& spec, StageClock& clock);

}  // namespace genvid
