// A CLIP encoder saved without its class prefix is the same model: the tensors asked for follow the
// names in the file.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "families/describe.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

// Takes every "vision_model." out of the header; offsets count from its end, so they stay right.
void strip_prefix(const fs::path& from, const fs::path& to) {
  std::ifstream in(from, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  const std::string bytes = all.str();
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  std::string header = bytes.substr(8, length);
  const std::string data = bytes.substr(8 + length);
  const std::string prefix = "vision_model.";
  for (size_t at; (at = header.find(prefix)) != std::string::npos;) header.erase(at, prefix.size());
  length = header.size();
  std::ofstream out(to, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&length), sizeof(length));
  out << header << data;
}

TEST(SavedNames, ClipWithoutItsClassPrefix) {
  const test::TempDir dir;
  const fs::path model = fs::path(dir.path()) / "model";
  fs::copy(GENVID_SOURCE_DIR "/models/tiny-wan21-i2v", model, fs::copy_options::recursive);
  const fs::path weights = model / "image_encoder/model.safetensors";
  fs::remove(weights);
  strip_prefix(GENVID_SOURCE_DIR "/models/tiny-wan21-i2v/image_encoder/model.safetensors", weights);
  const ModelFolder folder = ModelFolder::open(model);
  bool seen = false;
  for (const ExpectedTensor& t : find_description(folder).expected_tensors(folder)) {
    if (t.component != "image_encoder") continue;
    EXPECT_NE(t.name.rfind("vision_model.", 0), 0u) << t.name;
    seen |= t.name == "embeddings.class_embedding";
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace genvid
