// The transformer behind the pipeline's interface: x0 becomes the velocity that the samplers step
// along, prompts and rotary tables are kept between steps.
#pragma once

#include <memory>
#include <string>

#include "families/family.h"

namespace genvid::genvid_tiny {

std::unique_ptr<Denoiser> load_denoiser(const LoadContext& context, const std::string& component);

}  // namespace genvid::genvid_tiny
