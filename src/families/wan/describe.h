// What a Wan checkpoint is, holds and costs, told from its configs alone (no torch). The parts of
// description() that take a parsed config, so that tests reach them without a folder.
#pragma once

#include <string>
#include <vector>

#include "families/describe.h"
#include "families/wan/config.h"

namespace genvid::wan {

const Description& description();

// "wan2.2-ti2v-5b" for a published size, else "".
std::string preset_name(const ModelConfig& config);

// describe_tensors.cpp
std::vector<ExpectedTensor> expected_tensors(const ModelConfig& config);

// describe_names.cpp
std::string transformer_tensor_name(const std::string& in_file);

// describe_costs.cpp
std::vector<StageCost> costs(const ModelConfig& config, const ClipShape& clip);
// FLOP of one forward (one guidance branch), 1 multiply-add = 2. key_tokens: what self-attention
// sees, 0 = its own tokens.
double transformer_flops(const TransformerConfig& config, int64_t tokens, int64_t text_tokens,
                         int64_t image_tokens, int64_t key_tokens = 0);
int64_t transformer_tokens(const ModelConfig& config, Size size, int64_t frames);
double text_encoder_flops(const TextEncoderConfig& config);
// Convolutions of the whole decode.
double vae_decode_flops(const VaeConfig& config, Size size, int64_t frames);

}  // namespace genvid::wan
