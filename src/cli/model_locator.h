// Where models are: a folder, or a name in the places that are searched.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace genvid::cli {

struct FoundModel {
  std::string name;
  std::filesystem::path dir;
};

// $GENVID_MODELS (a list with ':'), models/ that comes with genvid, ~/.local/share/genvid/models.
std::vector<std::filesystem::path> model_places();

// Every folder with a model_index.json in those places; the first of a name wins.
std::vector<FoundModel> list_models();

// What --model names: a folder when it has a '/' or is one, else a name. Empty is the default
// model. Throws Error(kModel) with what is here.
std::filesystem::path locate_model(const std::string& name);

}  // namespace genvid::cli
