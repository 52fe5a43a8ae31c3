// Default settings of a model that its config files do not say: genvid.json beside the weights over
// configs/<preset>.json over the family's own. Both files have the same keys:
//   {"genvid": 1, "size": "832x480", "seconds": 5, "fps": 16, "steps": 50, "guidance_scale": 5,
//    "guidance_scale_2": 5, "shift": 3, "scheduler": "unipc", "dtype": "fp32",
//    "negative_prompt": "", "rollout": {...}}
// For clips that start with latent frames made before their windows: how many such starts a judge
// has to choose from, in how many steps, the share of new noise at each, and how many of the steps,
// the last ones, are done again by tiles that lie between the others:
//   "drafts": 1, "first_steps": 0, "first_eta": 0, "first_redrawn": 0
// A checkpoint made for generation block by block says so; all but timesteps in latent frames:
//   "rollout": {"kind": "causal", "block": 3, "window": 12, "sink": 3, "timesteps": [1000, 500]}
// "scheduler": "renoise" goes with such a list; "recache": false leaves what is remembered as it is
// when the prompt changes; one that was trained on scene cuts says how it is told of them:
//   "recache": false, "cut": {"offset": 8, "prompt_prefix": "The scene transitions. "}
// For diffusion forcing, all in frames but the block:
//   "rollout": {"kind": "diffusion-forcing", "base_num_frames": 97, "overlap_history": 17,
//               "causal_block_size": 1, "ar_step": 0, "addnoise_condition": 20}
// Other kinds of rollout are left to their family.
#pragma once

#include <string>

#include "families/describe.h"

namespace genvid {

// Lays what the object says over traits. Unknown keys are left to whoever knows them; a known key
// of a wrong type or out of range throws Error(kModel) with `what` in the message.
void apply_settings(const Json& settings, const std::string& what, Traits& traits);

// configs/<name>.json below data_dir(); an empty object when there is none.
Json read_preset(const std::string& name);

}  // namespace genvid
