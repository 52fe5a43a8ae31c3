#include "core/model_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

using test::expect_error;
using test::write_file;

class ModelFolderTest : public ::testing::Test {
 protected:
  ModelFolderTest() {
    write_file(dir_ / "model_index.json",
               R"({"_class_name":"SomePipeline","transformer":["diffusers","SomeModel"],)"
               R"("transformer_2":[null,null],"ghost":["diffusers","Ghost"],)"
               R"("scheduler":["diffusers","Euler"]})");
    write_file(dir_ / "transformer/config.json", R"({"dim":8})");
    write_file(dir_ / "scheduler/scheduler_config.json", R"({"shift":3.0})");
    std::filesystem::create_directory(dir_ / "transformer_2");
  }

  void sharded(const std::string& index) {
    write_file(dir_ / "transformer/diffusion_pytorch_model.safetensors.index.json", index);
  }
  ModelFolder model() const { return ModelFolder::open(dir_.path()); }
  void refused(const std::string& part) {
    expect_error(ErrorKind::kModel, part, [&] { model().component("transformer"); });
  }

  test::TempDir dir_;
};

TEST_F(ModelFolderTest, OpensTheFolder) {
  EXPECT_EQ(model().index()["_class_name"], "SomePipeline");
  EXPECT_TRUE(model().settings().is_object());
  EXPECT_TRUE(model().settings().empty());
  write_file(dir_ / "genvid.json", R"({"seconds":2})");
  EXPECT_EQ(model().settings()["seconds"], 2);
  EXPECT_TRUE(model().has("transformer"));
  EXPECT_FALSE(model().has("transformer_2"));
  EXPECT_FALSE(model().has("ghost"));
  EXPECT_FALSE(model().has("_class_name"));
  EXPECT_FALSE(model().has("absent"));
  EXPECT_EQ(model().config("scheduler", "scheduler_config.json")["shift"], 3.0);
}

TEST_F(ModelFolderTest, FindsASingleFileByEitherName) {
  refused("no weights in");
  write_file(dir_ / "transformer/longlive_base.pt", "x");
  refused("scripts/weights/to_safetensors");
  write_file(dir_ / "transformer/self_forcing_dmd.safetensors", "x");
  EXPECT_EQ(model().component("transformer").files,
            std::vector{dir_ / "transformer/self_forcing_dmd.safetensors"});
  write_file(dir_ / "transformer/another.safetensors", "x");
  refused("no weights in");
  write_file(dir_ / "transformer/model.safetensors", "x");
  EXPECT_EQ(model().component("transformer").files,
            std::vector{dir_ / "transformer/model.safetensors"});
  write_file(dir_ / "transformer/diffusion_pytorch_model.safetensors", "x");
  const ModelComponent component = model().component("transformer");
  EXPECT_EQ(component.files, std::vector{dir_ / "transformer/diffusion_pytorch_model.safetensors"});
  EXPECT_EQ(component.name, "transformer");
  EXPECT_EQ(component.dir, dir_ / "transformer");
  EXPECT_EQ(component.config["dim"], 8);
}

TEST_F(ModelFolderTest, PrefersTheIndexAndListsEachShardOnce) {
  write_file(dir_ / "transformer/diffusion_pytorch_model.safetensors", "old");
  sharded(R"({"metadata":{"total_size":1},"weight_map":)"
          R"({"c":"m-2.safetensors","a":"m-1.safetensors","b":"m-2.safetensors"}})");
  write_file(dir_ / "transformer/m-1.safetensors", "x");
  refused("m-2.safetensors is missing; it is named in");
  write_file(dir_ / "blob", "x");
  std::filesystem::create_symlink("../blob", dir_ / "transformer/m-2.safetensors");
  EXPECT_EQ(
      model().component("transformer").files,
      (std::vector{dir_ / "transformer/m-1.safetensors", dir_ / "transformer/m-2.safetensors"}));
}

TEST_F(ModelFolderTest, RefusesShardsThatAreNotPlainFileNames) {
  for (const char* name :
       {"../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", "", ".", "..",
        "a\\\\b.safetensors", "a\\u0000.safetensors", "a\\n.safetensors"}) {
    SCOPED_TRACE(name);
    sharded(std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    refused("expected a plain file name");
  }
  sharded(R"({"weight_map":{"a":")" + std::string(300, 'x') + ".safetensors\"}}");
  refused("expected a plain file name");
  sharded(R"({"weight_map":{"a":"weights.bin"}})");
  refused("expected a .safetensors file");
}

TEST_F(ModelFolderTest, RefusesMalformedIndexes) {
  for (const char* text : {"{}", R"({"weight_map":{}})", R"({"weight_map":[]})"}) {
    sharded(text);
    refused("\"weight_map\" is missing");
  }
  sharded(R"({"weight_map":{"a":1}})");
  refused("is not a string");
  sharded("[]");
  refused("expected an object");
  sharded(R"({"weight_map":{"a":"x.safetensors","a":"y.safetensors"}})");
  refused("duplicate key \"a\"");
}

TEST_F(ModelFolderTest, RefusesWhatIsNotARegularFile) {
  std::filesystem::create_directory(dir_ / "transformer/model.safetensors");
  refused("is not a regular file");
  std::filesystem::remove(dir_ / "transformer/model.safetensors");
  ASSERT_EQ(::mkfifo((dir_ / "transformer/model.safetensors").c_str(), 0600), 0);
  refused("is not a regular file");
  std::filesystem::remove(dir_ / "transformer/model.safetensors");
  std::filesystem::create_symlink("nowhere", dir_ / "transformer/model.safetensors");
  refused("model.safetensors is missing");
}

TEST_F(ModelFolderTest, NamesWhatIsMissing) {
  expect_error(ErrorKind::kModel, "no model folder", [&] { ModelFolder::open(dir_ / "nowhere"); });
  expect_error(ErrorKind::kModel, "is not a folder",
               [&] { ModelFolder::open(dir_ / "model_index.json"); });
  expect_error(ErrorKind::kModel, "has no model_index.json",
               [&] { ModelFolder::open(dir_ / "transformer"); });
  expect_error(ErrorKind::kModel, "has no folder vae", [&] { model().component("vae"); });
  expect_error(ErrorKind::kModel, "tokenizer", [&] { model().file("tokenizer", "spiece.model"); });
  expect_error(ErrorKind::kModel, "plain file name",
               [&] { model().file("transformer", "../model_index.json"); });
  expect_error(ErrorKind::kModel, "plain file name", [&] { model().component(".."); });
  std::filesystem::remove(dir_ / "transformer/config.json");
  refused("config.json is missing");
  write_file(dir_ / "model_index.json", "[]");
  expect_error(ErrorKind::kModel, "expected an object", [&] { model(); });
  write_file(dir_ / "model_index.json", "{");
  expect_error(ErrorKind::kModel, "model_index.json:1:2:", [&] { model(); });
}

}  // namespace
}  // namespace genvid
