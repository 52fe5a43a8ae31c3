#include "core/latents_file.h"

#include <gtest/gtest.h>

#include "genvid/error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

class LatentsFile : public testing::Test {
 protected:
  // Latents [1, 2, 3, 1, 2] of 8 pixels each way, behind `shown`.
  void write(const std::map<std::string, std::string>& metadata, std::vector<TensorData> more) {
    TensorData latents;
    latents.name = "anything";
    latents.shape = {1, 2, 3, 1, 2};
    latents.bytes = {latents_.data(), latents_.size()};
    more.insert(more.begin(), latents);
    write_safetensors(path_, more, metadata, true);
  }
  static TensorData shown(std::vector<int64_t> shape, std::vector<uint8_t>& bytes) {
    TensorData data;
    data.name = "shown_before";
    data.dtype = DType::kU8;
    data.shape = std::move(shape);
    size_t count = 1;
    for (const int64_t d : data.shape) count *= static_cast<size_t>(d);
    bytes.resize(count);
    for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(i * 7);
    data.bytes = bytes;
    return data;
  }
  std::string refused() {
    try {
      latents_start(path_);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUsage);
      return e.what();
    }
    return "";
  }

  test::TempDir dir_;
  const std::filesystem::path path_ = dir_ / "x.safetensors";
  std::vector<uint8_t> latents_ = std::vector<uint8_t>(size_t{2} * 3 * 2 * 4), bytes_;
  const std::map<std::string, std::string> behind_ = {{"genvid_context", "1"}};
};

TEST_F(LatentsFile, HoldsTheFrameBefore) {
  Image image{16, 8, std::vector<uint8_t>(size_t{16} * 8 * 3, 9)};
  image.pixels[5] = 200;
  LatentsStart start;
  start.context = 2;
  start.shown = image;
  write(latents_metadata(start), {shown_tensor(image)});
  const LatentsStart read = latents_start(path_);
  EXPECT_EQ(read.context, 2);
  ASSERT_TRUE(read.shown);
  EXPECT_EQ(read.shown->width, 16);
  EXPECT_EQ(read.shown->height, 8);
  EXPECT_EQ(read.shown->pixels, image.pixels);
  EXPECT_EQ(latents_entry(path_).name, "anything");
}

TEST_F(LatentsFile, FilesWithoutItAreRead) {
  write(behind_, {});
  EXPECT_FALSE(latents_start(path_).shown);
  EXPECT_EQ(latents_start(path_).context, 1);
}

TEST_F(LatentsFile, RefusesAFrameThatIsNone) {
  for (const std::vector<int64_t>& shape : std::vector<std::vector<int64_t>>{
           {8, 16}, {8, 16, 4}, {16, 8, 3}, {8, 17, 3}, {1, 8, 16, 3}}) {
    write(behind_, {shown(shape, bytes_)});
    EXPECT_NE(refused().find("shown_before"), std::string::npos) << shape.size();
  }
  write({}, {shown({8, 16, 3}, bytes_)});
  EXPECT_NE(refused().find("shown_before"), std::string::npos) << "without a context";
  TensorData wide = shown({8, 16, 3, 4}, bytes_);
  wide.shape = {8, 16, 3};
  wide.dtype = DType::kF32;
  write(behind_, {wide});
  EXPECT_NE(refused().find("shown_before"), std::string::npos) << "not bytes";
}

TEST_F(LatentsFile, RefusesOtherTensorsBeside) {
  TensorData other = shown({8, 16, 3}, bytes_);
  other.name = "other";
  write(behind_, {other});
  EXPECT_NE(refused().find("holds 2 tensors"), std::string::npos);
  std::vector<uint8_t> more;
  write_safetensors(path_, {shown({8, 16, 3}, more)}, behind_, true);
  EXPECT_NE(refused().find("no latents"), std::string::npos);
}

}  // namespace
}  // namespace genvid
