#include "jobs/manifest.h"

#include "jobs/record.h"

namespace genvid {
namespace {

// The lines of a text, blank ones left out.
Json lines_of(const std::string& text) {
  Json lines = Json::array();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.find_first_not_of(" \t\r") != std::string::npos) lines.push_back(line);
    at = end + 1;
  }
  return lines;
}

}  // namespace

std::string c2pa_manifest(const Json& record, const Request& request, const std::string& version) {
  const Json agent = {{"name", "genvid"}, {"version", version}};
  const Json created = {{"action", "c2pa.created"},
                        {"digitalSourceType", std::string(source_type(record))},
                        {"softwareAgent", agent}};
  Json assertions = Json::array();
  assertions.push_back({{"label", "c2pa.actions.v2"}, {"data", {{"actions", {created}}}}});
  if (record.is_object()) {
    assertions.push_back({{"label", "org.genvid.generation"}, {"data", record}});
  }
  Json people = Json::object();
  if (!request.credits.empty()) people["credits"] = lines_of(request.credits);
  if (!request.likeness_consent.empty()) {
    people["likeness_consent"] = lines_of(request.likeness_consent);
  }
  if (!people.empty()) {
    assertions.push_back({{"label", "org.genvid.people"}, {"data", people}});
  }
  const Json manifest = {
      {"claim_version", 2}, {"claim_generator_info", {agent}}, {"assertions", assertions}};
  return manifest.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace genvid
