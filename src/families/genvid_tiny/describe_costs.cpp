// What a clip costs: multiply-adds counted, bytes of activations estimated from the tensors that
// are alive together.
#include <algorithm>
#include <map>

#include "families/genvid_tiny/describe.h"

namespace genvid::genvid_tiny {
namespace {

std::map<std::string, double> parameters(const ModelConfig& config) {
  std::map<std::string, double> count;
  for (const ExpectedTensor& t : expected_tensors(config)) {
    double values = 1;
    for (const int64_t d : t.shape) values *= static_cast<double>(d);
    count[t.component] += values;
  }
  return count;
}

uint64_t bytes(double values, int each) { return static_cast<uint64_t>(values * each); }

StageCost text_cost(const TextEncoderConfig& c, double weights, bool guidance) {
  const double n = static_cast<double>(c.max_tokens), d = static_cast<double>(c.dim);
  StageCost cost{.stage = "text", .weight_bytes = bytes(weights, 4)};
  cost.work_bytes = bytes(n * (10 * d + 2 * n * static_cast<double>(c.heads())), 4);
  cost.flops = static_cast<double>(c.layers) * (2 * n * 12 * d * d + 4 * n * n * d);
  if (guidance) cost.flops *= 2;
  return cost;
}

}  // namespace

double transformer_flops(const TransformerConfig& c, int64_t tokens, int64_t text_tokens) {
  const double d = static_cast<double>(c.dim), l = static_cast<double>(tokens);
  const double mlp = static_cast<double>(c.mlp_ratio), s = static_cast<double>(text_tokens);
  // qkv, o, cq, co and the two halves of the MLP; then both attentions.
  const double block = 2 * l * d * d * (6 + 2 * mlp) + 4 * l * l * d + 4 * l * s * d;
  // Its ends: `inp` of three latents, `out`, `keep` and `hold`.
  return static_cast<double>(c.layers) * block + 12 * l * d * static_cast<double>(c.in_channels);
}

double codec_decode_flops(const CodecConfig& c, int64_t positions) {
  const double p = static_cast<double>(positions), z = static_cast<double>(c.latent_channels);
  double flops = 2 * p * z * static_cast<double>(c.block());
  if (!c.decoder) return flops;
  const double low = static_cast<double>(c.low), mid = static_cast<double>(c.mid),
               fine = static_cast<double>(c.fine), out = static_cast<double>(c.frames * 48);
  flops += 2 * p * 9 * (2 * z * low + 2 * low * low + 5 * low * low) + 2 * p * low * 4 * mid;
  flops += 2 * 4 * p * (9 * 4 * mid * mid + mid * 4 * fine);
  return flops + 2 * 16 * p * 9 * (4 * fine * fine + fine * out);
}

std::vector<StageCost> costs(const ModelConfig& c, const ClipShape& clip) {
  const auto count = parameters(c);
  const int64_t positions = (clip.size.width / c.codec.patch) * (clip.size.height / c.codec.patch);
  const int64_t latents = (clip.frames + c.codec.frames - 1) / c.codec.frames;
  const int branches = clip.guidance ? 2 : 1;

  StageCost denoise{.stage = "denoise"};
  denoise.tokens = latents * positions;
  denoise.weight_bytes = bytes(count.at("transformer"), clip.dtype_bytes);
  denoise.flops =
      branches * transformer_flops(c.transformer, denoise.tokens, c.text_encoder.max_tokens);
  // Of one block, both prompts at once: the stream and its norm, q, k, v, the MLP's inside.
  const double values = static_cast<double>(branches * denoise.tokens * c.transformer.dim);
  denoise.work_bytes = bytes(values * static_cast<double>(5 + 2 * c.transformer.mlp_ratio), 4);
  // Frames are made while later ones are sampled, so the decoder is in memory too.
  const double finest = 16 * static_cast<double>(positions);
  const double correction =
      c.codec.decoder ? finest * static_cast<double>(6 * c.codec.fine + 2 * c.codec.frames * 48)
                      : 0;
  // Finished frames wait for the encoder as float planes.
  const double queue = 16.0 * 3.0 * clip.size.width * clip.size.height;
  StageCost decode{.stage = "decode",
                   .weight_bytes = bytes(count.at("vae"), clip.vae_dtype_bytes),
                   .work_bytes = bytes(correction + queue, 4),
                   .flops = static_cast<double>(latents) * codec_decode_flops(c.codec, positions)};
  denoise.weight_bytes += decode.weight_bytes;
  if (c.sketcher) denoise.weight_bytes += bytes(count.at("sketcher"), clip.dtype_bytes);
  if (c.judge) denoise.weight_bytes += bytes(count.at("judge"), 4);
  denoise.work_bytes += decode.work_bytes;
  return {text_cost(c.text_encoder, count.at("text_encoder"), clip.guidance), denoise, decode};
}

}  // namespace genvid::genvid_tiny
