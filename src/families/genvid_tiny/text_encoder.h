// The prompt encoder: three blocks over at most 48 tokens, and heads that say which attributes a
// prompt names.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "families/family.h"

namespace genvid::genvid_tiny {

// Computes in fp32 whatever the context's dtype: it costs a millisecond. Throws Error(kModel).
std::unique_ptr<TextEncoder> load_text_encoder(const LoadContext& context);
std::vector<int64_t> tokenize(const ModelFolder& model, const std::string& prompt);

}  // namespace genvid::genvid_tiny
