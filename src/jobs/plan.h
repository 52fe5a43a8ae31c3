// A request and a model to a plan: every setting decided, on the model's grid, with what it costs.
// Needs no engine and no weights; all that can be refused early is refused here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "families/describe.h"
#include "genvid/clip_spec.h"
#include "genvid/request.h"
#include "jobs/rollout.h"

namespace genvid {

// Where a prompt of --prompt-at or --cut-at takes over.
struct PromptStart {
  double asked = 0, seconds = 0;
  std::string prompt;  // as given
  bool cut = false;
};

struct Plan {
  ClipSpec spec;
  std::string prompt_at;  // of the request, written in one way
  std::vector<PromptStart> prompt_starts;
  std::string family;
  std::string title;
  int64_t latent_frames = 0;
  Rollout rollout;
  std::vector<int64_t> borders;  // jobs/borders.h
  std::vector<int64_t> cuts;     // and those where the scene is to change
  int candidates = 1;            // seeds from spec.seed on, of which one is kept
  int64_t past_frames = 0;       // of an earlier video, before the clip's own in the file
  bool past_made = true;         // that video, too, was made by genvid
  std::vector<StageCost> costs;
  uint64_t peak_bytes = 0;    // of the worst stage
  uint64_t latent_bytes = 0;  // of the clip, fp32
  // Tokens through the transformer, all steps and prompts; and the same for 5 s of this clip.
  int64_t token_forwards = 0, token_forwards_5s = 0;
  std::vector<std::string> warnings;
  bool prompt_unknown = false;  // the prompt names nothing that the model knows (prompt_note.h)
};

// Images are loaded later (media); the plan only says whether they are needed. device "auto"
// becomes cuda:0 where a driver is; who loads the engine corrects that (request.device = "cpu")
// when it finds no device. Throws Error(kUsage) on values out of range, Error(kModel) on the
// folder.
Plan make_plan(const Request& request, const ModelFolder& model);

// Seconds, within a factor of a few: from the work counted and a rate for this kind of device.
double estimate_seconds(const Plan& plan);

// The file holds exactly one tensor, fp32 [1, channels, frames, height, width], for --init-latents
// and `genvid decode`. Returns its shape. Throws Error(kUsage).
std::vector<int64_t> check_latents_file(const std::string& path, int channels);

// That spec.init_latents fit the clip, which goes on from another video or not. Throws
// Error(kUsage).
void check_init_latents(const Plan& plan, const Traits& traits, bool extends);

// The prompt's own rules: not blank, valid UTF-8, at most 64 KiB. Throws Error(kUsage).
void check_prompt(const std::string& prompt, const std::string& what);

// Whether the transformer's weights can stay in memory beside every other stage.
bool holds_weights(const Plan& plan, uint64_t available_bytes);

// Error(kMemory) with the numbers, and the largest size that would fit, when the plan exceeds what
// the machine has free.
void require_memory(const Plan& plan, uint64_t available_bytes);

}  // namespace genvid
