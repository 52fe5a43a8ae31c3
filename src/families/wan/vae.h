// The causal 3-D video autoencoder, 2.1 and 2.2, as streams (families/family.h, VaeStream).
// Weights are shared and const; what a clip needs between chunks lies in its stream, so several
// streams may be open at once.
#pragma once

#include <memory>

#include "families/family.h"

namespace genvid::wan {

// Loads <model>/vae in the context's vae_dtype. Throws Error(kModel).
std::unique_ptr<VideoVae> load_vae(const LoadContext& context);

}  // namespace genvid::wan
