// Wan's prompt encoder: UMT5's encoder half (transformers' UMT5EncoderModel) on up to 512 tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "families/family.h"

namespace genvid::wan {

inline constexpr int kTextTokens = 512;

// encode() gives [1, kTextTokens, d_model]; rows past the prompt's tokens are zero.
std::unique_ptr<TextEncoder> load_text_encoder(const LoadContext& context);

// The cleaned prompt's ids, padded to kTextTokens.
std::vector<int64_t> tokenize(const ModelFolder& model, const std::string& prompt);

}  // namespace genvid::wan
