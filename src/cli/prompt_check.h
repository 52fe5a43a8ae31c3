// The prompt, read by the engine before anything is sampled.
#pragma once

#include "genvid/engine.h"
#include "jobs/plan.h"
#include "jobs/prompt_note.h"

namespace genvid::cli {

// Sets plan.prompt_unknown. Empty for models of open language, whose text encoder is not loaded.
PromptNote note_prompt(Engine& engine, const ModelFolder& model, Plan& plan);

}  // namespace genvid::cli
