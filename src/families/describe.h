// What a family says of a checkpoint without loading torch: whether it is one of its own, its
// geometry and defaults, the tensors it must hold, and what a clip costs. Linked into both halves
// of the program, so that plans and dry runs need no engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model_folder.h"
#include "core/safetensors.h"
#include "genvid/types.h"

namespace genvid {

// The first latent frame is first_frames frames, every other one temporal_factor. Sizes are
// multiples of size_multiple.
struct Geometry {
  int latent_channels = 16;
  int temporal_factor = 4;
  int first_frames = 1;
  int spatial_factor = 8;
  int size_multiple = 16;
  int64_t max_frames = 81;  // the model's own window
  int max_side = 1 << 20;   // pixels; where its position table ends
  Size only_size;           // the one size that it makes; 0x0 = any

  int64_t frames_of(int64_t latents) const {
    return first_frames + (latents - 1) * temporal_factor;
  }
  // As many as hold that many frames.
  int64_t latents_of(int64_t frames) const {
    return frames <= first_frames
               ? 1
               : 1 + (frames - first_frames + temporal_factor - 1) / temporal_factor;
  }
};

enum class ImageInput { kNone, kOptional, kRequired };

// How a causal checkpoint that was trained on scene cuts is told of one (LongLive-2.0): positions
// in time grow by `offset` latent frames, the scene's first block is kept until the next cut, and
// its prompt begins with `prompt_prefix`.
struct SceneCut {
  int64_t offset = 0;
  std::string prompt_prefix;
};

// A checkpoint that makes a clip block by block, each block seeing the first latent frames (the
// sink) and the latest ones. In latent frames; sink and window are whole blocks.
struct CausalRollout {
  int64_t block = 0;
  int64_t window = 0;             // sink, past and the block itself
  int64_t sink = 0;               // the first ones, never forgotten
  std::vector<double> timesteps;  // what it was distilled for; empty = the scheduler's own
  bool recache = true;            // keys and values of the latest ones again under a new prompt
  std::optional<SceneCut> cut;
  int64_t max_latents = 1 << 20;  // of a clip: where the position table ends
};

// A checkpoint with a noise level of its own in every latent frame (diffusion forcing, Chen et al.
// 2024), in the words and units of its reference implementation.
struct ForcingRollout {
  int64_t base_num_frames = 97;   // of one window
  int64_t overlap_history = 17;   // frames that a window takes over from the one before
  int64_t causal_block_size = 1;  // latent frames that share a level; > 1: none sees a later block
  int64_t ar_step = 0;            // steps that a block lags behind the one before it; 0 = none
  double addnoise_condition = 0;  // timestep of what is taken over, which gets noise to match
};

struct Traits {
  std::string title;  // "Wan2.2 TI2V", for people
  Geometry geometry;
  ImageInput image = ImageInput::kNone;
  ImageInput last_image = ImageInput::kNone;
  bool two_experts = false;
  // Latent frames of its own that it goes on from when a clip is longer than its window, and the
  // timestep it is told for them; 0 = it was not trained to.
  int64_t history_latents = 0;
  double history_timestep = 0;
  int64_t first_latents = 0;   // of a clip with nothing before it, made first; 0 = a whole window
  int64_t start_channels = 0;  // of one latent frame that it starts with; 0 = as many as all have
  int64_t anchor_reach = 0;    // latents for which one is shown to the windows behind it; 0 = never
  int64_t drafts = 1;          // of that start, of which the model's own judge keeps one
  int first_steps = 0;         // of that start, beside num_inference_steps; 0 = as many
  double first_eta = 0;        // and how much of the noise is new at each of them
  int first_redrawn = 0;       // and of those steps, the last, done again by tiles in between
  bool cpu_bf16 = false;       // bf16 by default on a CPU that multiplies matrices in it
  std::optional<CausalRollout> causal;
  std::optional<ForcingRollout> forcing;

  // Defaults, genvid.json over configs/ over the family's own.
  Size size;
  double seconds = 0;
  Rational fps;
  int num_inference_steps = 50;
  double guidance_scale = 5.0;
  double guidance_scale_2 = 5.0;  // of the second expert; or of windows that go on under a prompt
  double shift = 1.0;
  std::string scheduler = "unipc";
  std::string dtype;  // empty = by device
  std::string negative_prompt;
};

struct ExpectedTensor {
  std::string component;
  std::string name;
  std::vector<int64_t> shape;
  bool required = true;  // false: may be there, of this shape (empty = any), and is not used
};

// What the planner needs of one clip; the numbers are bytes of RAM or GPU memory.
struct ClipShape {
  Size size;             // model size
  int64_t frames = 0;    // model frames
  bool guidance = true;  // two forwards a step
  int dtype_bytes = 4;   // transformer and text encoder
  int vae_dtype_bytes = 4;
  int64_t cached_latents = 0;  // latent frames whose keys and values are kept; 0 = none
  int64_t causal_block = 0;    // > 1: blocks of so many latent frames see none that come later
};

struct StageCost {
  std::string stage;          // "text", "image", "denoise", "decode"
  uint64_t weight_bytes = 0;  // resident while the stage runs
  uint64_t work_bytes = 0;    // activations and caches, peak
  double flops = 0;           // of the whole stage for one step (denoise) or one clip (others)
  int64_t tokens = 0;         // of one sequence; denoise only
};

// What a model of a small world was taught, lower case.
struct Vocabulary {
  std::vector<std::string> known;    // words that mean something to it
  std::vector<std::string> neutral;  // words that it was taught to overlook: "the", "cinematic"
  std::vector<std::string> things;   // what it can show, for people: "house", "castle"
};

struct Description {
  std::string_view family;  // "wan"
  bool (*matches)(const ModelFolder& model);
  // Both validate every config key that they use. Throw Error(kModel).
  Traits (*traits)(const ModelFolder& model);
  std::vector<ExpectedTensor> (*expected_tensors)(const ModelFolder& model);
  std::vector<StageCost> (*costs)(const ModelFolder& model, const ClipShape& clip);
  // The words of a model of a small world; null where language is open. Throws Error(kModel).
  Vocabulary (*vocabulary)(const ModelFolder& model) = nullptr;
  // A tensor's name in a component's files as expected_tensors() names it, for checkpoints that are
  // published under other names; null where there are none.
  std::string (*tensor_name)(const std::string& component, const std::string& in_file) = nullptr;
};

// Generated by CMake from src/families/*/describe.cpp, each of which defines
// `const Description& genvid::<folder>::description()`.
const std::vector<const Description*>& descriptions();

// The family that matches, or Error(kModel) naming the model's class and what is supported.
const Description& find_description(const ModelFolder& model);

}  // namespace genvid
