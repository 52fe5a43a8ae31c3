#include "core/model_folder.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "core/limits.h"
#include "core/log.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const std::string& message) { throw Error(ErrorKind::kModel, message); }

std::string shown(const fs::path& path) { return log::printable(path.string()); }

bool is_regular(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// True when anything at all is there, also a dangling link: then it must be read or refused, never
// passed over in silence.
bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() != fs::file_type::not_found;
}

void require_regular(const fs::path& path, const std::string& why) {
  if (is_regular(path)) return;
  std::error_code error;
  const bool exists = fs::exists(path, error);
  refuse(shown(path) + (exists ? " is not a regular file" : " is missing") +
         (why.empty() ? "" : "; " + why));
}

Json read_object_file(const fs::path& path) {
  Json json = read_json_file(path, ErrorKind::kModel);
  if (!json.is_object()) {
    refuse(shown(path) + " holds " + json.type_name() + ", expected an object");
  }
  return json;
}

// The only safetensors file of a folder, under whatever name it was published; else empty.
fs::path only_weights(const fs::path& dir) {
  fs::path found;
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".safetensors") continue;
    if (!found.empty()) return {};
    found = it->path();
  }
  return found;
}

// What to do about weights in Python's pickle format, which can hold a program; "" without any.
std::string about_pickles(const fs::path& dir) {
  static constexpr std::string_view kSuffixes[] = {".pt", ".pth", ".bin", ".ckpt"};
  std::error_code error;
  for (fs::directory_iterator it(dir, error), end; !error && it != end; it.increment(error)) {
    const std::string suffix = it->path().extension().string();
    if (std::find(std::begin(kSuffixes), std::end(kSuffixes), suffix) == std::end(kSuffixes)) {
      continue;
    }
    return "; " + log::printable(it->path().filename().string()) +
           " is a PyTorch file: scripts/weights/to_safetensors " + shown(it->path()) + " " +
           shown(dir / "diffusion_pytorch_model.safetensors");
  }
  return "";
}

std::vector<fs::path> find_shards(const fs::path& dir) {
  static constexpr const char* kStems[] = {"diffusion_pytorch_model", "model"};
  for (const char* stem : kStems) {
    const std::string single = std::string(stem) + ".safetensors";
    const fs::path index = dir / (single + ".index.json");
    if (is_there(index)) {
      std::vector<fs::path> files;
      for (const std::string& name :
           shard_names(parse_weight_index(read_object_file(index), index.string()))) {
        require_regular(dir / name, "it is named in " + shown(index));
        files.push_back(dir / name);
      }
      return files;
    }
    if (is_there(dir / single)) {
      require_regular(dir / single, "");
      return {dir / single};
    }
  }
  if (const fs::path only = only_weights(dir); !only.empty()) {
    require_regular(only, "");
    return {only};
  }
  refuse("no weights in " + shown(dir) +
         ": expected diffusion_pytorch_model.safetensors or model.safetensors, or the same with "
         ".index.json and its shards" +
         about_pickles(dir));
}

}  // namespace

void require_plain_file_name(std::string_view name, std::string_view what) {
  bool plain = !name.empty() && name.size() <= 255 && name != "." && name != "..";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    plain = plain && byte >= 0x20 && byte != 0x7f && c != '/' && c != '\\';
  }
  if (!plain) {
    refuse(log::printable(what) + " names the file \"" + log::printable(name.substr(0, 120)) +
           "\", expected a plain file name without folders");
  }
}

std::map<std::string, std::string> parse_weight_index(const Json& index, std::string_view what) {
  const auto found = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || found == index.end() || !found->is_object() || found->empty()) {
    refuse(log::printable(what) + ": \"weight_map\" is missing, empty or not an object");
  }
  if (found->size() > limits::kTensors) {
    refuse(log::printable(what) + " lists " + std::to_string(found->size()) + " tensors, at most " +
           std::to_string(limits::kTensors) + " are allowed");
  }
  constexpr std::string_view kSuffix = ".safetensors";
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : found->items()) {
    if (!file.is_string()) {
      refuse(log::printable(what) + ": the file of \"" + log::printable(tensor.substr(0, 120)) +
             "\" is not a string");
    }
    const auto& name = file.get_ref<const std::string&>();
    require_plain_file_name(name, what);
    if (!std::string_view(name).ends_with(kSuffix)) {
      refuse(log::printable(what) + " names the file \"" + log::printable(name) +
             "\", expected a .safetensors file");
    }
    files.emplace(tensor, name);
  }
  return files;
}

std::vector<std::string> shard_names(const std::map<std::string, std::string>& weight_index) {
  std::set<std::string> names;
  for (const auto& [tensor, file] : weight_index) names.insert(file);
  return {names.begin(), names.end()};
}

ModelFolder ModelFolder::open(const fs::path& dir) {
  std::error_code error;
  if (!fs::exists(dir, error)) {
    refuse("no model folder " + shown(dir) + "; `genvid models list` shows what is here");
  }
  if (!is_folder(dir)) refuse(shown(dir) + " is not a folder; --model takes a model folder");
  const fs::path index = dir / "model_index.json";
  if (!is_there(index)) {
    refuse(shown(dir) + " is not a model folder in diffusers layout: it has no model_index.json");
  }
  ModelFolder model;
  model.dir_ = dir;
  model.index_ = read_object_file(index);
  model.settings_ = Json::object();
  if (is_there(dir / "genvid.json")) model.settings_ = read_object_file(dir / "genvid.json");
  return model;
}

bool ModelFolder::has(const std::string& component) const {
  const auto entry = index_.find(component);
  if (entry == index_.end() || !entry->is_array() || entry->size() != 2 ||
      !(*entry)[1].is_string()) {
    return false;
  }
  require_plain_file_name(component, shown(dir_ / "model_index.json"));
  return is_folder(dir_ / component);
}

ModelComponent ModelFolder::component(const std::string& name) const {
  ModelComponent component;
  component.name = name;
  component.config = config(name, "config.json");
  component.dir = dir_ / name;
  component.files = find_shards(component.dir);
  return component;
}

Json ModelFolder::config(const std::string& component, const std::string& file) const {
  return read_object_file(this->file(component, file));
}

fs::path ModelFolder::file(const std::string& component, const std::string& name) const {
  require_plain_file_name(component, shown(dir_));
  require_plain_file_name(name, shown(dir_ / component));
  if (!is_folder(dir_ / component)) {
    refuse("the model " + shown(dir_) + " has no folder " + log::printable(component));
  }
  const fs::path path = dir_ / component / name;
  require_regular(path, "");
  return path;
}

}  // namespace genvid
