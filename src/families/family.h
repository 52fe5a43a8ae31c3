// The contract of a family's networks with the pipeline. Each component loads alone, so that
// residency can order them: encode prompts, free the encoder, denoise, decode. Whatever is special
// to a family (experts, image channels, position tables) stays behind these interfaces.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model_folder.h"
#include "families/describe.h"
#include "genvid/clip_spec.h"
#include "genvid/engine.h"
#include "tensor/tensor.h"

namespace genvid {

struct LoadContext {
  const ModelFolder* model = nullptr;
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;  // transformer, text and image encoders
  at::ScalarType vae_dtype = at::kFloat;
};

class TextEncoder {
 public:
  virtual ~TextEncoder() = default;
  // [1, S, D] in the context's dtype (or fp32), padding rows zero. Cleans the prompt itself.
  virtual Tensor encode(const std::string& prompt) = 0;
  // What the prompt names, for models of a small world that can tell; nothing for the others.
  virtual std::optional<std::vector<NamedAttribute>> attributes(const std::string& prompt) {
    static_cast<void>(prompt);
    return std::nullopt;
  }
};

// A latent frame that a window looks at without containing it.
struct AnchorFrame {
  // [1, C, 1, H, W] fp32, or undefined; or [1, C, T, H, W]: for each latent frame of the window one
  // of its own, as it is seen then.
  Tensor latents{};
  double age = 0;  // latent frames from it to the first of the window; less than 0: it lies ahead
};

// How many latent positions a camera that keeps its size moves what it sees, in the time of a
// latent frame, along one side alone; or the natural logarithm of what it scales it by.
struct CameraPan {
  double right = 0, down = 0, growth = 0;
};

// A picture of which one side is to be drawn, as the rest goes on.
struct DrawnSide {
  // [1, C, 1, H, W] fp32, the known positions in their places, or undefined. Where a start has
  // channels of its own, those may be there, too.
  Tensor latents{};
  int64_t axis = 4;    // 3: rows are drawn, 4: columns
  int64_t count = 0;   // so many of them
  bool first = false;  // at the axis's beginning, else at its end
};

// What besides the prompt a prediction depends on; made once per clip.
struct Conditioning {
  Tensor image_embeds;    // [1, S_img, D_img], or undefined
  Tensor concat_latents;  // [1, C', T, H, W] fp32, channels appended to the latents, or undefined
  Tensor pinned_latents;  // [1, C, T, H, W] fp32: known latent frames, or undefined
  std::vector<bool> pinned;  // per latent frame; the pipeline holds these frames at pinned_latents
                             // and gives them pinned_timestep
  double pinned_timestep = 0;
  // For models that go on looking at what the clip began with (Traits.anchor_reach): its first
  // latent frame, and the latest of every so many, which may be the same.
  AnchorFrame start{}, anchor{};
  // For models whose traits have a redrawn start; where that has channels of its own, they are
  // drawn with the side.
  DrawnSide side{};
  // For models that are told, or can be limited so: the frame rate; and blocks of so many latent
  // frames, each of which sees itself and those before it (0 or 1: every frame sees all).
  double fps = 24;
  int64_t causal_block = 0;
};

// A clip made block by block: what is finished is remembered, and only the present block computed.
class CausalStream {
 public:
  virtual ~CausalStream() = default;
  // The velocity of the current block: latents [1, C, n, H, W] fp32, timestep [1, n] fp32. May be
  // called any number of times for a block.
  virtual Tensor predict(const Tensor& latents, const Tensor& timestep) = 0;
  // The current block is finished, with these latents; the next one begins.
  virtual void commit(const Tensor& latents) = 0;
  // From the current block on another prompt. Where the checkpoint wants that, what is remembered
  // of the latest blocks is made again under it; the sink stays as it is.
  virtual void change_prompt(const Tensor& prompt_embeds) = 0;
  // The current block, of which nothing is made yet, begins another scene.
  virtual void cut() = 0;
};

class Denoiser {
 public:
  virtual ~Denoiser() = default;
  // A clip of so many latent frames begins, 0 where that is not known; for cameras that have to
  // know how long they go on. What is kept of the clip before counts no longer.
  virtual void begin_clip(int64_t latents) { static_cast<void>(latents); }
  // latents [1, C, T, H, W] fp32; timestep [1, T] fp32, one per latent frame; prompt_embeds as the
  // text encoder made them. Returns the velocity [1, C, T, H, W] in the compute dtype or fp32.
  virtual Tensor predict(const Tensor& latents, const Tensor& timestep, const Tensor& prompt_embeds,
                         const Conditioning& conditioning) = 0;
  // The same for several prompts, in their order; networks that gain by it run them as one batch.
  virtual std::vector<Tensor> predict_each(const Tensor& latents, const Tensor& timestep,
                                           const std::vector<Tensor>& prompts,
                                           const Conditioning& conditioning) {
    std::vector<Tensor> out;
    for (const Tensor& p : prompts) out.push_back(predict(latents, timestep, p, conditioning));
    return out;
  }
  // For models whose traits have a redrawn start: one latent frame fp32 [1, C, 1, H, W] as tiles
  // see it that lie between its own, half a tile off; and back from there, with `latents` where
  // those saw nothing. Where a start has channels of its own, between_tiles() takes and gives
  // those, too, and back_to_tiles() gives the latent frame alone.
  virtual Tensor between_tiles(const Tensor& latents) {
    static_cast<void>(latents);
    throw Error(ErrorKind::kModel, "this model's pictures cannot be redrawn between tiles");
  }
  virtual Tensor back_to_tiles(const Tensor& moved, const Tensor& latents) {
    static_cast<void>(moved);
    return between_tiles(latents);
  }
  // For models whose traits have start_channels, of which predict() takes latents of one frame,
  // too: the latent frame that a finished start is, [1, C, 1, H, W].
  virtual Tensor finished_start(const Tensor& start) const { return start; }
  // Of such a start: how far what the prompt names stands ahead of where its camera goes, negative
  // behind, 1 at the picture's edge; 0 where the model cannot tell.
  virtual double leads(const Tensor& start, const Tensor& prompt_embeds) {
    static_cast<void>(start);
    static_cast<void>(prompt_embeds);
    return 0;
  }
  // Of models with a redrawn start: what the prompt's camera does, if it pans, tilts or zooms.
  virtual CameraPan pan(const Tensor& prompt_embeds) {
    static_cast<void>(prompt_embeds);
    return {};
  }
  // A latent frame fp32 [1, C, 1, H, W] as that camera sees it so many latent frames later.
  virtual Tensor carried(const Tensor& latent, const Tensor& prompt_embeds, double latents) {
    static_cast<void>(prompt_embeds);
    static_cast<void>(latents);
    return latent;
  }
  // And `made` in the tone of another such latent frame, tile by tile, no fainter than `like`.
  virtual Tensor toned(const Tensor& made, const Tensor& latent, const Tensor& like) {
    static_cast<void>(latent);
    static_cast<void>(like);
    return made;
  }
  // For checkpoints whose traits have a causal rollout. The denoiser must outlive the stream.
  virtual std::unique_ptr<CausalStream> open_stream(const CausalRollout& rollout,
                                                    const Tensor& prompt_embeds) {
    static_cast<void>(rollout);
    static_cast<void>(prompt_embeds);
    throw Error(ErrorKind::kModel, "this model has no causal rollout");
  }
};

class VaeStream {
 public:
  virtual ~VaeStream() = default;
  // Decoder: normalised latents [1, C, t, H, W], any t >= 1 -> frames [1, 3, f, H', W'] in [-1, 1].
  // Encoder: frames [1, 3, f, H, W] in [-1, 1]; returns normalised latents (the mode) as far as
  // they are complete, possibly with t = 0. Geometry says how many frames the first one is.
  virtual Tensor push(const Tensor& x) = 0;
};

class VideoVae {
 public:
  virtual ~VideoVae() = default;
  virtual std::unique_ptr<VaeStream> open_decoder() = 0;
  virtual std::unique_ptr<VaeStream> open_encoder() = 0;
};

// Tells how well a picture shows what a prompt names; models of a small world may come with one.
class PictureJudge {
 public:
  virtual ~PictureJudge() = default;
  // Whether it can tell any of what is named.
  virtual bool judges(const std::vector<NamedAttribute>& named) const = 0;
  // Latents [1, C, T, H, W] fp32 -> the mean over those of `named` that it can tell of the
  // logarithm of the probability that they are shown.
  virtual double score(const Tensor& latents, const std::vector<NamedAttribute>& named) const = 0;
};

// The span of timesteps one set of transformer weights serves: t_low <= t < t_high.
struct Stage {
  std::string component;  // "transformer", "transformer_2"
  double t_low = 0;
  double t_high = 1e9;
  bool second_guidance = false;  // uses guidance_scale_2
};

struct Family {
  const Description* description;
  std::vector<Stage> (*stages)(const ModelFolder& model);  // from noise to clean
  std::unique_ptr<TextEncoder> (*load_text_encoder)(const LoadContext& context);
  std::unique_ptr<Denoiser> (*load_denoiser)(const LoadContext& context,
                                             const std::string& component);
  std::unique_ptr<VideoVae> (*load_vae)(const LoadContext& context);
  // Image inputs of the spec to conditioning; loads and frees what it needs. Called only when the
  // spec has an image.
  Conditioning (*prepare_conditioning)(const LoadContext& context, const ClipSpec& spec);
  // Tokens of a prompt as the text encoder sees them, padded: for parity checks.
  std::vector<int64_t> (*tokenize)(const ModelFolder& model, const std::string& prompt);
  // Null for models that come without one.
  std::unique_ptr<PictureJudge> (*load_judge)(const LoadContext& context) = nullptr;
};

// Generated by CMake from src/families/*/family.cpp, each of which defines
// `const Family& genvid::<folder>::family()`.
const std::vector<const Family*>& families();
const Family& find_family(const ModelFolder& model);

}  // namespace genvid
