// The Denoiser contract on top of the transformer: appends image channels, turns timesteps per
// latent frame into one where they are equal, and keeps between steps what a prompt and a grid
// need.
#pragma once

#include <memory>
#include <string>

#include "families/family.h"

namespace genvid::wan {

// component: "transformer" or "transformer_2".
std::unique_ptr<Denoiser> load_denoiser(const LoadContext& context, const std::string& component);

}  // namespace genvid::wan
