// A causal checkpoint as its authors publish it (their names, behind a wrapper of training code, in
// one file of any name) gives the very frames of the same weights in diffusers layout.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "e2e/digests_helper.h"
#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

namespace fs = std::filesystem;

using Args = std::vector<std::string>;
using nlohmann::json;

const char kModel[] = "../tests/data/tiny-wan21-causal";

json original_names() {  // diffusers' name -> the authors', of block 7
  std::ifstream in(std::string(GENVID_SOURCE_DIR) + "/tests/data/wan_original_names.json");
  const json names = json::parse(in);
  json out;
  for (const auto& [original, ours] : names.items()) out[ours] = original;
  return out;
}

std::string original(const json& names, const std::string& name) {
  if (!name.starts_with("blocks.")) return names.at(name);
  const size_t end = name.find('.', 7);
  return name.substr(0, end) + names.at("blocks.7" + name.substr(end)).get<std::string>().substr(8);
}

// A copy of the model whose transformer has each name in the header changed by rename.
class OriginalLayout : public testing::Test {
 protected:
  explicit OriginalLayout(const std::string& model = kModel) {
    fs::copy(models(model), dir_ / "model", fs::copy_options::recursive);
    const fs::path folder = dir_ / "model/transformer";
    for (const auto& e : fs::directory_iterator(folder)) {
      if (e.path().extension() == ".safetensors") weights_ = e.path();
    }
    bytes_ = read_bytes(weights_);
    fs::remove(weights_);
  }

  json header() const {
    uint64_t size = 0;
    std::memcpy(&size, bytes_.data(), 8);
    return json::parse(bytes_.substr(8, size));
  }

  // data: of the tensors, times so many.
  void write(const std::string& name, const json& header, int copies = 1) {
    uint64_t old = 0;
    std::memcpy(&old, bytes_.data(), 8);
    std::string text = header.dump();
    // Weights are used where they lie in the file; how that is aligned decides last bits.
    while (text.size() % 64 != old % 64) text += ' ';
    const uint64_t size = text.size();
    std::ofstream out(dir_ / ("model/transformer/" + name), std::ios::binary);
    out.write(reinterpret_cast<const char*>(&size), 8);
    out << text;
    for (int i = 0; i < copies; ++i) out << bytes_.substr(8 + old);
  }

  json renamed(const std::string& prefix) const {
    const json names = original_names(), all = header();
    json out = json::object();
    for (const auto& [name, entry] : all.items()) {
      out[name == "__metadata__" ? name : prefix + original(names, name)] = entry;
    }
    return out;
  }

  Result make(const std::string& model, const std::string& out) const {
    return genvid({"a house", "-o", out, "--model", model, "--seconds", "2", "--seed", "3",
                   "--no-watermark"});
  }

  TempDir dir_;
  fs::path weights_;
  std::string bytes_;
};

class OriginalLayoutOf : public OriginalLayout, public testing::WithParamInterface<std::string> {
 protected:
  OriginalLayoutOf() : OriginalLayout(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Models, OriginalLayoutOf, testing::Values(kModel, "tiny-skyreels-v2-df"),
                         [](const auto& p) { return test_name({p.param}); });

TEST_P(OriginalLayoutOf, GivesTheSameFrames) {
  ASSERT_EQ(make(models(GetParam()), dir_ / "a.mkv").code, 0);
  const auto expected = frame_digests(dir_ / "a.mkv");
  ASSERT_GE(expected.size(), 32u);
  for (const char* prefix : {"", "model.", "generator_ema.model.", "generator.model."}) {
    write("self_forcing_dmd.safetensors", renamed(prefix));
    const std::string out = dir_ / ("b" + std::string(prefix) + "mkv.mkv");
    const Result r = make(dir_ / "model", out);
    ASSERT_EQ(r.code, 0) << r.err;
    EXPECT_EQ(frame_digests(out), expected) << prefix;
  }
  EXPECT_EQ(genvid({"models", "check", dir_ / "model"}).code, 0);
}

TEST_F(OriginalLayout, TwoCopiesOfTheWeightsAreRefused) {
  json twice = renamed("generator.model.");
  uint64_t bytes = 0;
  for (const auto& [name, entry] : twice.items()) {
    if (name != "__metadata__") bytes = std::max<uint64_t>(bytes, entry.at("data_offsets").at(1));
  }
  const json second = renamed("generator_ema.model.");
  for (const auto& [name, entry] : second.items()) {
    if (name == "__metadata__") continue;
    twice[name] = entry;
    for (json& offset : twice[name].at("data_offsets")) offset = offset.get<uint64_t>() + bytes;
  }
  write("both.safetensors", twice, 2);
  const Result r = make(dir_ / "model", dir_ / "a.mkv");
  EXPECT_EQ(r.code, 3);
  EXPECT_NE(r.err.find("is there twice"), std::string::npos) << r.err;
}

TEST_F(OriginalLayout, AWrongNameIsToldAsItStandsInTheFile) {
  json header = renamed("model.");
  header["model.blocks.0.self_attn.z.weight"] = header.at("model.blocks.0.self_attn.q.weight");
  header.erase("model.blocks.0.self_attn.q.weight");
  write("x.safetensors", header);
  const Result r = make(dir_ / "model", dir_ / "a.mkv");
  EXPECT_EQ(r.code, 3);
  EXPECT_NE(r.err.find("model.blocks.0.self_attn.z.weight"), std::string::npos) << r.err;
}

TEST_F(OriginalLayout, APickleIsRefusedWithTheCommandThatConvertsIt) {
  std::ofstream(dir_ / "model/transformer/longlive_base.pt") << "PK";
  const Result r = make(dir_ / "model", dir_ / "a.mkv");
  EXPECT_EQ(r.code, 3);
  EXPECT_NE(r.err.find("scripts/weights/to_safetensors"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("longlive_base.pt"), std::string::npos) << r.err;
}

}  // namespace
}  // namespace genvid::e2e
