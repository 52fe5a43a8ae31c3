#include "core/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "core/json_reader.h"

namespace genvid::log {
namespace {

// Never destroyed, so that a thread that still logs at exit finds it.
spdlog::logger& logger() {
  static spdlog::logger* instance = [] {
    auto* made = new spdlog::logger("genvid", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%l: %v");
    made->set_level(spdlog::level::warn);
    made->flush_on(spdlog::level::trace);
    // A closed stderr must not end the program.
    made->set_error_handler([](const std::string&) {});
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kTrace:
      return spdlog::level::trace;
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      break;
  }
  return spdlog::level::off;
}

void write(spdlog::level::level_enum level, std::string_view message) {
  if (logger().should_log(level)) {
    logger().log(level, spdlog::string_view_t(printable(message)));
  }
}

// Sequences that are valid UTF-8 yet steer a terminal or reorder what is shown: C1 controls, line
// and paragraph separators, bidirectional overrides and isolates.
bool steers(std::string_view s) {
  if (s.size() == 1) return static_cast<unsigned char>(s[0]) < 0x20 || s[0] == 0x7f;
  if (s.size() == 2) return s[0] == '\xC2' && static_cast<unsigned char>(s[1]) < 0xA0;
  if (s.size() != 3 || s[0] != '\xE2') return false;
  const auto last = static_cast<unsigned char>(s[2]);
  if (s[1] == '\x80') return last >= 0xA8 && last <= 0xAE;
  return s[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

}  // namespace

void set_level(Level level) { logger().set_level(to_spdlog(level)); }
void debug(std::string_view message) { write(spdlog::level::debug, message); }
void info(std::string_view message) { write(spdlog::level::info, message); }
void warn(std::string_view message) { write(spdlog::level::warn, message); }
void error(std::string_view message) { write(spdlog::level::err, message); }

std::string printable(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t valid = utf8_sequence(text.substr(i));
    const std::string_view piece = text.substr(i, valid == 0 ? 1 : valid);
    if (valid != 0 && !steers(piece)) {
      out.append(piece);
    } else {
      for (const char c : piece) {
        const auto byte = static_cast<unsigned char>(c);
        out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      }
    }
    i += piece.size();
  }
  return out;
}

}  // namespace genvid::log
