// The reference pipelines' prompt clean-up (ftfy.fix_text, html.unescape twice, white space), as
// ftfy 6.3 and Python 3.11 do it: quotes, ligatures, widths, controls, terminal escapes, line
// breaks, NFC, entities. Not ported: fix_encoding, which repairs mojibake ("sÃ³" -> "só") when its
// statistics say that the text was decoded wrongly; such text passes as it is.
#pragma once

#include <string>
#include <string_view>

namespace genvid {

// Valid UTF-8 in, valid UTF-8 out. Throws Error(kUsage) with the byte offset on invalid UTF-8, or
// when the text exceeds limits::kPromptBytes.
std::string clean_prompt(std::string_view prompt);

}  // namespace genvid
