// What a clip costs: multiply-adds counted exactly (tests hold them against a FLOP counter's
// figures), bytes of activations estimated from the tensors that are alive together.
#include <algorithm>
#include <map>

#include "families/wan/describe.h"

namespace genvid::wan {
namespace {

constexpr int64_t kTextTokens = 512;

int64_t latent_frames(int64_t frames, int64_t factor) { return (frames - 1) / factor + 1; }

// Walks the convolutions of one half of the VAE, level by level.
class VaeWalk {
 public:
  // frames: all frames of the clip at this level; chunk: frames that pass at once.
  VaeWalk(int64_t frames, int64_t chunk, int64_t height, int64_t width)
      : frames_(frames), chunk_(chunk), height_(height), width_(width) {}

  void conv(int64_t in, int64_t out, int64_t taps, int64_t frames) {
    flops += 2.0 * static_cast<double>(frames * pixels()) * static_cast<double>(in * out * taps);
    const int64_t values = chunk_ * pixels();
    // Input, its normalised copy, the same with history in front, and the output; plain 2-D
    // convolutions (of resampling) have neither norm nor history.
    const int64_t inputs = taps == 9 ? 2 : 3;
    peak = std::max(peak, static_cast<double>(values) * static_cast<double>(inputs * in + 2 * out));
    if (taps == 27) cache += 2.0 * static_cast<double>(in * pixels());
  }
  void conv3(int64_t in, int64_t out) { conv(in, out, 27, frames_); }
  void resnet(int64_t in, int64_t out) {
    conv3(in, out);
    conv3(out, out);
    if (in != out) conv(in, out, 1, frames_);
  }
  void mid(int64_t d) {
    resnet(d, d);
    conv(d, 4 * d, 1, frames_);  // qkv and the projection
    const double p = static_cast<double>(pixels());
    flops += static_cast<double>(frames_) * 4.0 * p * p * static_cast<double>(d);
    resnet(d, d);
  }
  void upsample(int64_t in, int64_t out, bool temporal) {
    if (temporal) {
      conv(in, 2 * in, 3, frames_ - 1);  // the first frame stays single
      frames_ = 2 * frames_ - 1;
      chunk_ *= 2;
    }
    height_ *= 2;
    width_ *= 2;
    conv(in, out, 9, frames_);
  }
  void downsample(int64_t channels, bool temporal) {
    height_ /= 2;
    width_ /= 2;
    conv(channels, channels, 9, frames_);
    if (!temporal) return;
    frames_ = (frames_ - 1) / 2 + 1;
    chunk_ = std::max<int64_t>(1, chunk_ / 2);
    conv(channels, channels, 3, frames_ - 1);
  }

  double flops = 0;
  double cache = 0;  // values held between chunks
  double peak = 0;   // values alive at once in one layer

 private:
  int64_t pixels() const { return height_ * width_; }
  int64_t frames_, chunk_, height_, width_;
};

VaeWalk walk_decoder(const VaeConfig& c, Size size, int64_t frames) {
  const size_t levels = c.dim_mult.size();
  const int64_t t = latent_frames(frames, c.scale_factor_temporal);
  VaeWalk w(t, 1, size.height / c.scale_factor_spatial, size.width / c.scale_factor_spatial);
  int64_t in = c.decoder_base_dim * c.dim_mult.back();
  w.conv(c.z_dim, c.z_dim, 1, t);
  w.conv3(c.z_dim, in);
  w.mid(in);
  for (size_t i = 0; i < levels; ++i) {
    const int64_t out = c.decoder_base_dim * c.dim_mult[levels - 1 - i];
    for (int64_t r = 0; r <= c.num_res_blocks; ++r, in = out) w.resnet(in, out);
    if (i + 1 == levels) break;
    const int64_t up = c.is_residual ? out : out / 2;
    w.upsample(out, up, c.temperal_downsample[levels - 2 - i]);
    in = up;
  }
  w.conv3(in, c.out_channels);
  return w;
}

VaeWalk walk_encoder(const VaeConfig& c, Size size, int64_t frames) {
  VaeWalk w(frames, std::min<int64_t>(frames, c.scale_factor_temporal), size.height / c.patch_size,
            size.width / c.patch_size);
  int64_t in = c.base_dim;
  w.conv3(c.in_channels, in);
  for (size_t i = 0; i < c.dim_mult.size(); ++i) {
    const int64_t out = c.base_dim * c.dim_mult[i];
    for (int64_t r = 0; r < c.num_res_blocks; ++r, in = out) w.resnet(in, out);
    if (i + 1 < c.dim_mult.size()) w.downsample(out, c.temperal_downsample[i]);
  }
  w.mid(in);
  w.conv3(in, 2 * c.z_dim);
  return w;
}

uint64_t bytes(double values, int each) { return static_cast<uint64_t>(values) * each; }

std::map<std::string, double> parameters(const ModelConfig& config) {
  std::map<std::string, double> count;
  for (const ExpectedTensor& t : expected_tensors(config)) {
    if (!t.required) continue;
    double values = 1;
    for (const int64_t d : t.shape) values *= static_cast<double>(d);
    count[t.component] += values;
  }
  return count;
}

double image_encoder_flops(const ImageEncoderConfig& c) {
  const double n = static_cast<double>(c.tokens()), d = static_cast<double>(c.hidden_size);
  const double layer =
      2 * n * (4 * d * d + 2 * d * static_cast<double>(c.intermediate_size)) + 4 * n * n * d;
  return layer * static_cast<double>(c.num_hidden_layers);
}

double text_work(const TextEncoderConfig& c) {
  const double width = static_cast<double>(std::max(c.d_ff, c.num_heads * c.d_kv));
  // The position bias of every head, twice; scores themselves are never held whole.
  const double bias = static_cast<double>(c.num_heads) * kTextTokens * kTextTokens;
  return kTextTokens * (4.0 * static_cast<double>(c.d_model) + 4.0 * width) + 2.0 * bias;
}

// Bytes alive inside one block: either the attention's or the feed-forward's tensors.
uint64_t transformer_work(const TransformerConfig& c, int64_t tokens, int dtype_bytes) {
  const int64_t d = c.dim();
  const int64_t values = std::max(9 * d, 3 * d + 2 * c.ffn_dim) * tokens;
  return static_cast<uint64_t>(values) * dtype_bytes + static_cast<uint64_t>(2 * d * tokens) * 4;
}

StageCost denoise_cost(const ModelConfig& c, const ClipShape& clip,
                       const std::map<std::string, double>& count) {
  StageCost cost{.stage = "denoise"};
  double largest = count.at("transformer");
  if (c.transformer_2) largest = std::max(largest, count.at("transformer_2"));
  cost.weight_bytes = bytes(largest, clip.dtype_bytes);
  const int64_t tokens = transformer_tokens(c, clip.size, clip.frames);
  cost.tokens = tokens;
  const int64_t image_tokens =
      c.transformer.image_dim == 0
          ? 0
          : (c.transformer.pos_embed_seq_len > 0 ? c.transformer.pos_embed_seq_len
             : c.image_encoder                   ? c.image_encoder->tokens()
                                                 : 0);
  const int64_t cached =
      transformer_tokens(c, clip.size, (clip.cached_latents - 1) * c.vae.scale_factor_temporal + 1);
  const int64_t frames = latent_frames(clip.frames, c.vae.scale_factor_temporal);
  // With blocks that see themselves and earlier ones, a token sees half of one more on average.
  const int64_t seen = clip.causal_block > 1 ? tokens * (frames + clip.causal_block) / (2 * frames)
                                             : std::max(tokens, cached);
  const double one = transformer_flops(c.transformer, tokens, kTextTokens, image_tokens, seen);
  cost.flops = one * (clip.guidance ? 2 : 1);
  const int64_t latents = frames * (clip.size.width / c.vae.scale_factor_spatial) *
                          (clip.size.height / c.vae.scale_factor_spatial);
  // The latents, two predictions and the scheduler's history.
  cost.work_bytes =
      transformer_work(c.transformer, tokens, clip.dtype_bytes) +
      static_cast<uint64_t>(latents * (c.transformer.in_channels + 8 * c.vae.z_dim)) * 4;
  // Keys and values of every layer for each prompt: the prompt's own, and of frames that are kept.
  cost.work_bytes +=
      static_cast<uint64_t>(2 * c.transformer.num_layers * c.transformer.dim() *
                            (kTextTokens + image_tokens + cached) * (clip.guidance ? 2 : 1)) *
      clip.dtype_bytes;
  return cost;
}

}  // namespace

int64_t transformer_tokens(const ModelConfig& c, Size size, int64_t frames) {
  const auto& p = c.transformer.patch_size;
  return latent_frames(frames, c.vae.scale_factor_temporal) / p[0] *
         (size.height / c.vae.scale_factor_spatial / p[1]) *
         (size.width / c.vae.scale_factor_spatial / p[2]);
}

double transformer_flops(const TransformerConfig& c, int64_t tokens, int64_t text_tokens,
                         int64_t image_tokens, int64_t key_tokens) {
  const double d = static_cast<double>(c.dim()), f = static_cast<double>(c.ffn_dim);
  const double l = static_cast<double>(tokens), n = static_cast<double>(c.num_layers);
  const double seen = static_cast<double>(key_tokens > 0 ? key_tokens : tokens);
  const double keys = static_cast<double>(text_tokens + image_tokens);
  const double patch = static_cast<double>(c.patch_size[0] * c.patch_size[1] * c.patch_size[2]);
  double flops = n * l * 2 * (6 * d * d + 2 * d * f);  // q k v o, cross q o, feed-forward
  flops += n * (4 * l * seen * d + 4 * l * keys * d);  // self- and cross-attention
  flops += 2 * l * patch * d * static_cast<double>(c.in_channels + c.out_channels);
  return flops;
}

double text_encoder_flops(const TextEncoderConfig& c) {
  const double n = kTextTokens, d = static_cast<double>(c.d_model);
  const double inner = static_cast<double>(c.num_heads * c.d_kv);
  return static_cast<double>(c.num_layers) *
         (2 * n * (4 * d * inner + 3 * d * static_cast<double>(c.d_ff)) + 4 * n * n * inner);
}

double vae_decode_flops(const VaeConfig& config, Size size, int64_t frames) {
  return walk_decoder(config, size, frames).flops;
}

std::vector<StageCost> costs(const ModelConfig& c, const ClipShape& clip) {
  const auto count = parameters(c);
  std::vector<StageCost> out;
  out.push_back({"text", bytes(count.at("text_encoder"), clip.dtype_bytes),
                 bytes(text_work(c.text_encoder), 4),
                 text_encoder_flops(c.text_encoder) * (clip.guidance ? 2 : 1)});
  const uint64_t vae_weights = bytes(count.at("vae"), clip.vae_dtype_bytes);
  if (c.concat_condition()) {
    const VaeWalk encode = walk_encoder(c.vae, clip.size, clip.frames);
    StageCost image{"image", vae_weights, 0, encode.flops};
    image.work_bytes = bytes(encode.peak + encode.cache, clip.vae_dtype_bytes);
    if (c.image_encoder) {
      image.weight_bytes += bytes(count.at("image_encoder"), clip.dtype_bytes);
      image.flops += image_encoder_flops(*c.image_encoder);
    }
    out.push_back(image);
  }
  out.push_back(denoise_cost(c, clip, count));
  const VaeWalk decode = walk_decoder(c.vae, clip.size, clip.frames);
  // Finished frames wait for the encoder as float planes.
  const double queue = 16.0 * 3.0 * clip.size.width * clip.size.height;
  out.push_back({"decode", vae_weights,
                 bytes(decode.peak + decode.cache, clip.vae_dtype_bytes) + bytes(queue, 4),
                 decode.flops});
  return out;
}

}  // namespace genvid::wan
