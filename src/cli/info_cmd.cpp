// genvid info FILE [--json]: what a video file is, all its tags, and the settings that made it when
// it is ours. The invisible mark takes a decoder: `genvid verify` looks for it.
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/file_marks.h"
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

Json as_json(const media::FileInfo& info, const FileMarks& marks) {
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
  out["settings"] = marks.record;
  out["xmp"] = xmp_json(marks);
  out["c2pa"] = c2pa_json(marks);
  return out;
}

// Tags that are not the record, the XMP, and whether there are credentials.
void print_marks(const media::FileInfo& info, const FileMarks& marks) {
  const auto p = [](const std::string& s) { return log::printable(s.substr(0, 300)); };
  for (const auto& [key, value] : info.tags) {
    if (marks.record.is_object() && value.rfind('{', 0) == 0) continue;
    std::printf("tag        %s = %s\n", p(key).c_str(), p(value).c_str());
  }
  if (marks.xmp) {
    std::printf("xmp        %s, %s %s, %s, %s\n", p(marks.xmp->digital_source_type).c_str(),
                p(marks.xmp->system_name).c_str(), p(marks.xmp->system_version).c_str(),
                p(marks.xmp->created).c_str(), p(marks.xmp->unique_id).c_str());
  }
  const bool none = marks.c2pa.state == "none";
  std::printf("signed     %s\n", !marks.c2pa_problem.empty()
                                     ? "unknown: the C2PA library is not here"
                                 : none ? "no"
                                        : marks.c2pa.state.c_str());
}

void print_text(const std::string& file, const media::FileInfo& info, const FileMarks& marks) {
  const Json& settings = marks.record;
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
  print_marks(info, marks);
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
  const FileMarks marks = read_marks(f.file, info, {});
  if (f.json) {
    std::printf("%s\n",
                as_json(info, marks).dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    print_text(f.file, info, marks);
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
