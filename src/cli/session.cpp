#include "cli/session.h"

#include <cstdio>

#include "core/log.h"
#include "genvid/error.h"
#include "jobs/machine.h"

namespace genvid::cli {
namespace {

bool g_warnings = true;

}  // namespace

void ViewFlags::add(CLI::App& app) {
  app.add_option("--progress", progress, "auto, bar, json or none (default auto)")
      ->type_name("MODE");
  app.add_option("--log-level", log_level, "debug, info, warn, error or off (default warn)")
      ->type_name("LEVEL");
}

ProgressMode ViewFlags::apply() const {
  const std::pair<const char*, log::Level> levels[] = {
      {"trace", log::Level::kTrace}, {"debug", log::Level::kDebug}, {"info", log::Level::kInfo},
      {"warn", log::Level::kWarn},   {"error", log::Level::kError}, {"off", log::Level::kOff}};
  bool known = false;
  for (const auto& [name, level] : levels) {
    if (log_level != name) continue;
    known = true;
    log::set_level(level);
    g_warnings = level <= log::Level::kWarn;
  }
  if (!known) {
    throw Error(ErrorKind::kUsage, "--log-level is \"" + log_level.substr(0, 64) +
                                       "\", expected one of: debug, info, warn, error, off");
  }
  return parse_progress_mode(progress);
}

void warn(const std::string& message) {
  if (g_warnings) std::fprintf(stderr, "genvid: warning: %s\n", log::printable(message).c_str());
}

void require_driver(const std::string& device) {
  if (device != "cpu" && !has_gpu_driver()) {
    throw Error(ErrorKind::kUnavailable,
                "--device " + device + ": no NVIDIA driver is here; use --device cpu");
  }
}

std::string available_device(Engine& engine, const std::string& device, bool automatic) {
  if (device == "cpu") return device;
  std::string names;
  for (const DeviceInfo& d : engine.info().devices) {
    if (d.name == device) return device;
    names += (names.empty() ? "" : ", ") + d.name;
  }
  if (automatic) return "cpu";
  throw Error(ErrorKind::kUnavailable, "no device " + device + " (found: " + names +
                                           "); `genvid doctor` says what is missing");
}

}  // namespace genvid::cli
