// genvid info FILE [--json]: what a video file is, and the settings that made it when it is ours.
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "core/json.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "media/probe.h"

namespace genvid::cli {
namespace {

struct InfoFlags {
  std::string file;
  bool json = false;
};

// The record that generate wrote into the container; null for any other file.
Json settings_of(const media::FileInfo& info) {
  const auto comment = info.tags.find("comment");
  if (comment == info.tags.end() || comment->second.rfind('{', 0) != 0) return nullptr;
  try {
    Json settings = parse_json(comment->second, "the comment", ErrorKind::kUsage);
    if (settings.is_object() && settings.contains("genvid")) return settings;
  } catch (const Error&) {
    // Somebody else's comment that only looks like JSON.
  }
  return nullptr;
}

Json to_json(const media::FileInfo& info, const Json& settings) {
  Json out = {{"format", info.format},
              {"codec", info.codec},
              {"profile", info.profile},
              {"pix_fmt", info.pix_fmt},
              {"width", info.width},
              {"height", info.height},
              {"fps", to_text(info.fps)},
              {"frames", info.frames},
              {"seconds", info.seconds},
              {"color_primaries", info.color_primaries},
              {"color_transfer", info.color_transfer},
              {"color_space", info.color_space},
              {"color_range", info.color_range},
              {"tags", info.tags}};
  out["settings"] = settings;
  return out;
}

void print_text(const std::string& file, const media::FileInfo& info, const Json& settings) {
  const auto p = [](const std::string& s) { return log::printable(s); };
  std::printf("file       %s\n", p(file).c_str());
  std::printf("video      %s%s%s, %dx%d, %s, in %s\n", p(info.codec).c_str(),
              info.profile.empty() ? "" : " ", p(info.profile).c_str(), info.width, info.height,
              p(info.pix_fmt).c_str(), p(info.format).c_str());
  std::printf("length     %lld frames at %s a second = %.3f s\n",
              static_cast<long long>(info.frames), to_text(info.fps).c_str(), info.seconds);
  std::printf("colour     primaries %s, transfer %s, space %s, range %s\n",
              p(info.color_primaries).c_str(), p(info.color_transfer).c_str(),
              p(info.color_space).c_str(), p(info.color_range).c_str());
  if (!settings.is_object()) {
    std::printf("made by    unknown: no genvid settings in this file\n");
    return;
  }
  std::printf("made by    genvid %s\n",
              p(settings.at("genvid").is_string() ? settings.at("genvid").get<std::string>() : "?")
                  .c_str());
  for (const auto& [key, value] : settings.items()) {
    if (key == "genvid") continue;
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    std::printf("  %-20s %s\n", p(key).c_str(), p(text).c_str());
  }
}

int info_command(const InfoFlags& f) {
  const media::FileInfo info = media::probe(f.file);
  const Json settings = settings_of(info);
  if (f.json) {
    std::printf(
        "%s\n",
        to_json(info, settings).dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    print_text(f.file, info, settings);
  }
  return 0;
}

}  // namespace

Command add_info(CLI::App& app) {
  const auto flags = std::make_shared<InfoFlags>();
  app.add_option("FILE", flags->file, "Video file")->required();
  app.add_flag("--json", flags->json, "As JSON");
  return [flags] { return info_command(*flags); };
}

}  // namespace genvid::cli
