#include "cli/prompt_check.h"

#include "core/log.h"

namespace genvid::cli {

PromptNote note_prompt(Engine& engine, const ModelFolder& model, Plan& plan) {
  const Description& family = find_description(model);
  if (family.vocabulary == nullptr) return {};
  const auto named = engine.read_prompt(plan.spec);
  if (!named) return {};
  PromptNote note = note_prompt(plan.spec.prompt, plan.title, family.vocabulary(model), *named);
  plan.prompt_unknown = note.nothing_known;
  ClipSpec later;
  later.model_dir = plan.spec.model_dir;
  later.dtype = plan.spec.dtype;
  later.vae_dtype = plan.spec.vae_dtype;
  later.threads = plan.spec.threads;
  for (const PromptChange& change : plan.spec.prompt_changes) {
    later.prompt = change.prompt;
    const auto then = engine.read_prompt(later);
    if (!then) continue;
    const std::string warning =
        note_prompt(change.prompt, plan.title, family.vocabulary(model), *then).warning;
    if (warning.empty()) continue;
    note.warning += (note.warning.empty() ? "\"" : "; \"") +
                    log::printable(change.prompt.substr(0, 40)) + "\": " + warning;
  }
  return note;
}

}  // namespace genvid::cli
