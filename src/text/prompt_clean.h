// The reference pipelines' prompt clean-up (diffusers pipeline_wan.py::prompt_clean): quotes,
// controls, HTML entities, white space. ftfy's mojibake repair is not ported.
#pragma once

#include <string>
#include <string_view>

namespace genvid {

// Valid UTF-8 in, valid UTF-8 out. Throws Error(kUsage) with the byte offset on invalid UTF-8, or
// when the text exceeds limits::kPromptBytes.
std::string clean_prompt(std::string_view prompt);

}  // namespace genvid
