// A model folder in diffusers layout, opened without torch: its model_index.json, genvid.json,
// component configs, and which safetensors files hold each component. Every name that comes from a
// file inside the folder must be a plain file name; links inside the folder are followed.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace genvid {

// A sub-folder with config.json and weights.
struct ModelComponent {
  std::string name;  // "transformer"
  std::filesystem::path dir;
  Json config;                               // config.json, an object
  std::vector<std::filesystem::path> files;  // the shards, sorted by name; at least one
};

// Throws Error(kModel) unless name is one: no folder part, no "..", no control character, at most
// 255 bytes. what names where it was read.
void require_plain_file_name(std::string_view name, std::string_view what);

// Tensor name -> file name, of a *.safetensors.index.json. Throws Error(kModel).
std::map<std::string, std::string> parse_weight_index(const Json& index, std::string_view what);
// Each file once, sorted.
std::vector<std::string> shard_names(const std::map<std::string, std::string>& weight_index);

class ModelFolder {
 public:
  // Throws Error(kModel): no folder, no model_index.json, malformed JSON.
  static ModelFolder open(const std::filesystem::path& dir);

  const std::filesystem::path& dir() const { return dir_; }
  const Json& index() const { return index_; }        // model_index.json
  const Json& settings() const { return settings_; }  // genvid.json, or an empty object

  // True when the index names it with a class (not [null, null]) and the folder is there.
  bool has(const std::string& component) const;
  // Reads config.json and finds the shards. Throws Error(kModel) naming what is missing.
  ModelComponent component(const std::string& name) const;
  // config of a component without weights, e.g. "scheduler" (scheduler_config.json).
  Json config(const std::string& component, const std::string& file) const;
  // A regular file inside a component, e.g. ("tokenizer", "spiece.model").
  std::filesystem::path file(const std::string& component, const std::string& name) const;

 private:
  std::filesystem::path dir_;
  Json index_;
  Json settings_;
};

}  // namespace genvid
