// A first picture: encoded as one latent of a clip that stands still, and held as known history.
#pragma once

#include "families/family.h"

namespace genvid::genvid_tiny {

// Throws Error(kUsage).
Conditioning prepare_conditioning(const LoadContext& context, const ClipSpec& spec);

}  // namespace genvid::genvid_tiny
