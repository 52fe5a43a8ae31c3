// Process-wide settings of the tensor library, and the context that loaders get.
#pragma once

#include <string>

#include "families/family.h"

namespace genvid {

// Sets the thread count and the fp32 policy (no TF32), opens the device.
LoadContext load_context(const ModelFolder& model, const std::string& device,
                         const std::string& dtype, const std::string& vae_dtype, int threads);

// Waits for the device, returns its peak allocation since load_context and frees its cache.
uint64_t finish_device(const LoadContext& context);

}  // namespace genvid
