#include "cli/prompt_check.h"

namespace genvid::cli {

PromptNote note_prompt(Engine& engine, const ModelFolder& model, Plan& plan) {
  const Description& family = find_description(model);
  if (family.vocabulary == nullptr) return {};
  const auto named = engine.read_prompt(plan.spec);
  if (!named) return {};
  PromptNote note = note_prompt(plan.spec.prompt, plan.title, family.vocabulary(model), *named);
  plan.prompt_unknown = note.nothing_known;
  return note;
}

}  // namespace genvid::cli
