// Logging for both halves of the program; stdout is never used. A thin face on spdlog, so that its
// header stays out of every file.
#pragma once

#include <string>
#include <string_view>

namespace genvid::log {

enum class Level { kTrace, kDebug, kInfo, kWarn, kError, kOff };

void set_level(Level level);  // default kWarn
void debug(std::string_view message);
void info(std::string_view message);
void warn(std::string_view message);
void error(std::string_view message);

// Control characters become \xNN, so that a hostile name or prompt cannot drive a terminal.
std::string printable(std::string_view text);

}  // namespace genvid::log
