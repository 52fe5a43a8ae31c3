// A request after resolution: every value decided, on the model's grid. This is all that the
// engine sees, and what is recorded as the settings of a clip.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "genvid/types.h"

namespace genvid {

// What is kept on disk while a clip is made, so that a crash, a signal or a full disk costs little.
struct KeepSpec {
  // PREFIX.N.latents.safetensors before decoding (N: clip of a chain, else 0), and
  // PREFIX.sampling.safetensors between steps. Empty: nothing is kept. Nothing is removed.
  std::string prefix;
  std::string key;                 // of everything that changes the clip's pixels
  int checkpoint_steps = 5;        // the sampling state every so many steps; 0 = only at a signal
  double checkpoint_seconds = 60;  // where all steps together take at least so long
  int64_t part = 0;                // the engine's: clip of a chain
};

// From a part of the clip on (window, clip of a chain, or block) another prompt holds.
struct PromptChange {
  int64_t part = 0;
  std::string prompt;
  bool cut = false;  // "causal": another scene begins there
};

struct ClipSpec {
  std::string model_dir;
  std::string prompt;                        // as given; the text encoder cleans it
  std::vector<PromptChange> prompt_changes;  // parts grow, from 1
  std::string negative_prompt;

  Size size;                 // delivered
  Size model_size;           // generated, >= size, a multiple of the model's grid
  int64_t frames = 0;        // delivered
  int64_t model_frames = 0;  // generated, >= frames, on the model's frame grid
  Rational fps;

  int num_inference_steps = 0;
  double guidance_scale = 1.0;
  double guidance_scale_2 = 1.0;
  double shift = 1.0;
  std::string scheduler = "unipc";
  uint64_t seed = 0;
  std::string noise = "philox";

  // How a clip longer than the model's window is made: "window" (it fits, or is cut to fit),
  // "overlap" (blended at every step), "loop" (the same around a ring), "continue" (from the last
  // frame), "extend" (own latents), "diffusion-forcing" (the same, each latent frame at a noise
  // level of its own) or "causal" (block by block, with a memory of keys and values).
  std::string rollout = "window";
  int64_t window_latents = 0;     // latent frames of one window; 0 with "window"
  int64_t first_latents = 0;      // "extend": those of the first window, behind nothing
  int64_t drafts = 1;             // and how often it is made; a judge keeps one
  int first_steps = 0;            // and in how many steps; 0 = num_inference_steps
  double first_eta = 0;           // and how much of the noise is new at each of them, 0 to 1
  int first_redrawn = 0;          // and of those steps, the last, done again by tiles in between
  bool closes = false;            // and its last window leads to the clip's first latent frame
  int64_t overlap_latents = 0;    // latent frames that neighbouring windows share
  int64_t ar_step = 0;            // "diffusion-forcing": steps that a block lags behind the last,
  double addnoise_condition = 0;  // and timestep of the frames that a window goes on from
  int64_t block_latents = 0;      // latent frames made at a time ("causal") or at one noise level,
  int64_t sink_latents = 0;       // "causal": those at the start that are never forgotten
  bool recache = true;            // and whether what is remembered is made again under a new prompt
  int64_t cut_offset = 0;         // latent frames of time between its scenes
  int64_t start_steps() const { return first_steps > 0 ? first_steps : num_inference_steps; }
  int64_t start_passes() const { return start_steps() + first_redrawn; }
  std::vector<double> timesteps;  // of every step, where the checkpoint has a list; else empty

  std::string device = "cpu";      // cpu | cuda:N, decided
  std::string dtype = "fp32";      // fp32 | bf16, decided
  std::string vae_dtype = "fp32";  // fp32 | bf16, decided
  int threads = 1;

  std::optional<Image> image;       // of model_size's shape, any resolution
  std::optional<Image> last_image;  // likewise
  std::vector<Image> past;          // frames before the clip's first, oldest first; of model_size

  std::string init_latents;
  std::string save_latents;
  std::string rescue_latents;  // written only when decoding or the sink fails; empty = never
  KeepSpec keep;
};

// Latents on disk to a file: the VAE and the sink alone.
struct DecodeSpec {
  std::string model_dir;
  std::string latents;            // safetensors, one fp32 tensor [1,C,T,H,W], normalised space
  std::optional<Size> size;       // crop; default: what the latents give
  std::optional<int64_t> frames;  // trim; default: what the latents give
  Rational fps;
  std::string device = "cpu";
  std::string vae_dtype = "fp32";
  int threads = 1;
};

struct CheckSpec {
  std::string model_dir;
  std::string
      reference;  // REF.safetensors with REF.json beside it; empty = structure and values only
  std::string device = "cpu";
  std::string dtype = "fp32";
  int threads = 1;
};

}  // namespace genvid
