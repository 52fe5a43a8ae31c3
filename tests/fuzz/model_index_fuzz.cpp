// Any bytes as *.safetensors.index.json: no name that could leave the model's folder comes out.
#include <algorithm>
#include <filesystem>

#include "core/model_folder.h"
#include "fuzz.h"

using namespace genvid;

namespace {

void check_name(const std::string& name) {
  const std::filesystem::path inside = std::filesystem::path("/model/transformer") / name;
  FUZZ_CHECK(inside.lexically_normal().parent_path() == "/model/transformer");
  FUZZ_CHECK(inside.filename() == name);
  FUZZ_CHECK(name.size() <= 255 && name.find('\0') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (fuzz::error_of([&] { require_plain_file_name(text, "index"); }).empty()) {
    check_name(std::string(text));
  }
  fuzz::error_of([&] {
    const Json json = parse_json(text, "index", ErrorKind::kModel);
    const auto files = parse_weight_index(json, "index");
    FUZZ_CHECK(!files.empty() && files.size() == json["weight_map"].size());
    const auto shards = shard_names(files);
    FUZZ_CHECK(!shards.empty() && std::is_sorted(shards.begin(), shards.end()));
    for (const std::string& shard : shards) {
      check_name(shard);
      FUZZ_CHECK(shard.ends_with(".safetensors"));
    }
  });
  return 0;
}
