// What a genvid-tiny checkpoint is, holds and costs, told from its configs alone (no torch).
#pragma once

#include <vector>

#include "families/describe.h"
#include "families/genvid_tiny/config.h"

namespace genvid::genvid_tiny {

const Description& description();

// describe_tensors.cpp
std::vector<ExpectedTensor> expected_tensors(const ModelConfig& config);

// describe_costs.cpp
std::vector<StageCost> costs(const ModelConfig& config, const ClipShape& clip);
// FLOP of one forward of one prompt, 1 multiply-add = 2.
double transformer_flops(const TransformerConfig& config, int64_t tokens, int64_t text_tokens);
// Of one latent of h x w positions.
double codec_decode_flops(const CodecConfig& config, int64_t positions);

}  // namespace genvid::genvid_tiny
