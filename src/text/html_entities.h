// HTML character references to characters, in the two dialects the reference pipelines use.
// The names are data: html_entities.inc, written by scripts/text/make_tables.py.
#pragma once

#include <string>
#include <string_view>

namespace genvid {

// As Python's html.unescape (the HTML 5 standard): a semicolon may be missing, the longest known
// name wins, code points that cannot be become U+FFFD or nothing.
std::u32string unescape_html(std::u32string_view text);

// As ftfy: only whole references that end in a semicolon, and also names in capitals (&EACUTE;).
std::u32string unescape_html_cautiously(std::u32string_view text);

}  // namespace genvid
