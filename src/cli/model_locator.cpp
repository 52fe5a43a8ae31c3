#include "cli/model_locator.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "core/data_dir.h"
#include "core/log.h"
#include "core/suggest.h"
#include "genvid/error.h"

namespace genvid::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultModel = "genvid-tiny";

bool is_model(const fs::path& dir) {
  std::error_code error;
  return fs::is_regular_file(dir / "model_index.json", error);
}

std::string names_here() {
  std::string names;
  for (const FoundModel& m : list_models()) names += (names.empty() ? "" : ", ") + m.name;
  return names.empty() ? "none" : log::printable(names);
}

}  // namespace

std::vector<fs::path> model_places() {
  std::vector<fs::path> places;
  if (const char* list = std::getenv("GENVID_MODELS")) {
    const std::string all = list;
    for (size_t at = 0; at <= all.size();) {
      const size_t end = std::min(all.find(':', at), all.size());
      if (end > at) places.emplace_back(all.substr(at, end - at));
      at = end + 1;
    }
  }
  if (!data_dir().empty()) places.push_back(data_dir() / "models");
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/') {
    places.push_back(fs::path(data) / "genvid" / "models");
  } else if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    places.push_back(fs::path(home) / ".local" / "share" / "genvid" / "models");
  }
  return places;
}

std::vector<FoundModel> list_models() {
  std::vector<FoundModel> found;
  std::set<std::string> names;
  for (const fs::path& place : model_places()) {
    std::error_code error;
    std::vector<FoundModel> here;
    for (fs::directory_iterator it(place, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (is_model(it->path()) && names.count(name) == 0) here.push_back({name, it->path()});
    }
    std::sort(here.begin(), here.end(),
              [](const FoundModel& a, const FoundModel& b) { return a.name < b.name; });
    for (FoundModel& m : here) {
      names.insert(m.name);
      found.push_back(std::move(m));
    }
  }
  return found;
}

fs::path locate_model(const std::string& name) {
  const std::string wanted = name.empty() ? kDefaultModel : name;
  if (!name.empty()) {
    std::error_code error;
    if (name.find('/') != std::string::npos || name == "." || name == ".." ||
        fs::is_directory(name, error)) {
      return name;
    }
  }
  for (const FoundModel& m : list_models()) {
    if (m.name == wanted) return m.dir;
  }
  if (name.empty()) {
    throw Error(ErrorKind::kModel,
                "the default model " + wanted +
                    " is not here (it comes in models/ of genvid's source tree; GENVID_MODELS "
                    "names other places); or give --model DIR or NAME, of these: " +
                    names_here());
  }
  throw Error(ErrorKind::kModel,
              "no model \"" + log::printable(name.substr(0, 256)) +
                  "\": neither a folder nor a name; models here: " + names_here());
}

}  // namespace genvid::cli
