#include "media/probe.h"

#include "core/json.h"
#include "media/child.h"
#include "media/quote.h"
#include "media/read_info.h"

namespace genvid::media {
namespace {

std::vector<uint8_t> to_bytes(const FileInfo& info) {
  Json tags = Json::object();
  for (const auto& [key, value] : info.tags) tags[key] = value;
  Json json = {
      {"format", info.format},
      {"codec", info.codec},
      {"profile", info.profile},
      {"pix_fmt", info.pix_fmt},
      {"width", info.width},
      {"height", info.height},
      {"fps", {info.fps.num, info.fps.den}},
      {"frames", info.frames},
      {"seconds", info.seconds},
      {"audio", info.audio},
      {"color", {info.color_primaries, info.color_transfer, info.color_space, info.color_range}},
      {"tags", tags}};
  // Tags of a foreign file may not be UTF-8.
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return {text.begin(), text.end()};
}

FileInfo from_bytes(const std::vector<uint8_t>& bytes) {
  Json json = Json::parse(bytes.begin(), bytes.end());
  FileInfo info;
  info.format = json.at("format");
  info.codec = json.at("codec");
  info.profile = json.at("profile");
  info.pix_fmt = json.at("pix_fmt");
  info.width = json.at("width");
  info.height = json.at("height");
  info.fps = {json.at("fps").at(0), json.at("fps").at(1)};
  info.frames = json.at("frames");
  info.seconds = json.at("seconds");
  info.audio = json.at("audio");
  info.color_primaries = json.at("color").at(0);
  info.color_transfer = json.at("color").at(1);
  info.color_space = json.at("color").at(2);
  info.color_range = json.at("color").at(3);
  for (const auto& [key, value] : json.at("tags").items()) info.tags[key] = value;
  return info;
}

}  // namespace

FileInfo probe(const std::string& path) {
  InputFile input(path);
  av::install_log();
  ChildLimits limits;
  limits.seconds = 300;  // every packet of a long film is read
  limits.output_bytes = 16u << 20;
  std::string what = "cannot read " + quote(path);
  return from_bytes(run_in_child(what, limits, [&] { return to_bytes(read_info(input)); }));
}

}  // namespace genvid::media
