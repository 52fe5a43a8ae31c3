// What a user asks for: one struct behind the command line, presets, job files, file metadata and
// rerun. Unset fields take the model's defaults; src/jobs/plan.h turns a Request into a ClipSpec.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "genvid/types.h"

namespace genvid {

struct Request {
  std::string prompt;                          // required, UTF-8, at most 64 KiB
  std::optional<std::string> negative_prompt;  // default: the model's, usually empty
  std::string prompt_at;  // prompts that take over later: lines "5s a boat" (core/prompt_times.h)
  std::string model;      // folder or name; empty = the default model
  std::string output;     // "-" = stdout

  std::optional<double> seconds;  // exactly one of seconds and frames may be set
  std::optional<int64_t> frames;
  std::optional<Size> size;     // even numbers; made on the model's grid and cropped
  std::optional<Rational> fps;  // playback rate

  std::string image;       // first frame: path of any picture FFmpeg decodes
  std::string last_image;  // last frame, for models that take one
  std::string extend;      // video to go on from, after its last frame; its frames come first
  bool only_new = false;   // leaves the frames of `extend` out

  std::optional<int> num_inference_steps;  // --steps
  std::optional<double> guidance_scale;
  std::optional<double> guidance_scale_2;  // second expert, or windows that go on
  std::optional<double> shift;
  std::optional<std::string> scheduler;  // "unipc" | "euler" | "euler-even" | "renoise"
  std::optional<uint64_t> seed;          // default: random, printed and recorded
  int best_of = 1;                       // so many seeds from `seed` on; the best one is kept

  // How a clip longer than the window is made: auto | window | overlap | loop |
  // continue | extend | diffusion-forcing | causal. loop: the last frame flows into the first.
  std::string rollout = "auto";
  // Of diffusion-forcing, as its reference names them; see ForcingRollout.
  std::optional<int> overlap_history;    // frames
  std::optional<int> causal_block_size;  // latent frames
  std::optional<int> ar_step;
  std::optional<double> addnoise_condition;

  std::string device = "auto";     // auto | cpu | cuda | cuda:N
  std::string dtype = "auto";      // auto | fp32 | bf16
  std::string vae_dtype = "auto";  // auto | fp32 | bf16
  int threads = 0;                 // 0 = the machine's cores
  std::string noise = "philox";    // philox | torch

  std::string init_latents;  // safetensors, one fp32 tensor [1,C,T,H,W], normalised space
  std::string save_latents;

  std::string format;  // of standard output: y4m, mp4, mkv, webm or raw
  std::string codec;   // empty = by the output's suffix
  std::optional<int> crf;
  std::optional<int64_t> bitrate;  // bits a second
  std::string pix_fmt;
  std::string preset;           // the encoder's own word or number
  std::string encoder_options;  // FFmpeg's names: "tune=film;g=48"
  std::optional<Size> output_size;
  std::optional<Rational> output_fps;
  std::string preview;  // PNG contact sheet
  bool watermark = true;

  // What made it: signing, and where the prompt is kept.
  std::string sign;              // private key, PEM; empty = unsigned
  std::string cert;              // its certificate chain, PEM
  bool keep_unsigned = false;    // under another name when signing fails
  bool history = true;           // the prompt into the local history
  bool embed_prompt = false;     // the prompt into the file, for everybody to read
  std::string credits;           // into the signed statement, one a line
  std::string likeness_consent;  // likewise: who agreed to be shown

  bool overwrite = false;
};

}  // namespace genvid
