// A name as messages show it: in quotes, control characters escaped.
#pragma once

#include <string>
#include <string_view>

#include "core/log.h"

namespace genvid::media {

inline std::string quote(std::string_view name) {
  std::string text("'");
  text += log::printable(name);
  text += '\'';
  return text;
}

}  // namespace genvid::media
