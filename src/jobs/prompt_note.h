// What a model of a small world makes of a prompt: what it names, which words the model was never
// taught, and what to say when it names nothing, since the clip will then show something else.
#pragma once

#include <string>
#include <vector>

#include "families/describe.h"
#include "genvid/engine.h"

namespace genvid {

struct PromptNote {
  bool read = false;           // the model could tell
  bool nothing_known = false;  // no attribute, or no word, that it knows
  std::vector<NamedAttribute> named;
  std::vector<std::string> unknown_words;  // in the prompt's order, each once
  std::string warning;                     // for people; empty when all is well
};

// named: what the text encoder says (class "none" is no name). title: the model's.
PromptNote note_prompt(const std::string& prompt, const std::string& title,
                       const Vocabulary& vocabulary, const std::vector<NamedAttribute>& named);

}  // namespace genvid
