#include <gtest/gtest.h>

#include "core/safetensors.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

using test::expect_error;

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(WriteSafetensors, ReadsBackTheSame) {
  const test::TempDir dir;
  const std::string small = "abc";
  const std::string large = "0123456789abcdef01234567";
  const std::string scalar = "wxyz";
  write_safetensors(dir / "x.safetensors",
                    {{"small", DType::kU8, {3}, bytes_of(small)},
                     {"z.large \"\xC3\xA9", DType::kF64, {3, 1}, bytes_of(large)},
                     {"scalar", DType::kF32, {}, bytes_of(scalar)}},
                    {{"format", "pt"}, {"note", "a \"quoted\"\nline"}}, false);
  const SafetensorsHeader header = read_safetensors_header(dir / "x.safetensors");
  const std::string file = test::read_back(dir / "x.safetensors");
  ASSERT_EQ(header.tensors.size(), 3u);
  EXPECT_EQ(header.metadata.at("note"), "a \"quoted\"\nline");
  const auto data = [&](size_t i) {
    return file.substr(header.tensors[i].offset, header.tensors[i].bytes);
  };
  EXPECT_EQ(header.tensors[0].name, "z.large \"\xC3\xA9");
  EXPECT_EQ(header.tensors[0].shape, (std::vector<int64_t>{3, 1}));
  EXPECT_EQ(data(0), large);
  EXPECT_EQ(header.tensors[1].name, "scalar");
  EXPECT_TRUE(header.tensors[1].shape.empty());
  EXPECT_EQ(data(1), scalar);
  EXPECT_EQ(header.tensors[2].name, "small");
  EXPECT_EQ(data(2), small);
  for (const TensorEntry& tensor : header.tensors) {
    EXPECT_EQ(tensor.offset % dtype_bytes(tensor.dtype), 0u) << tensor.name;
  }
}

TEST(WriteSafetensors, AnEmptyFileIsAFile) {
  const test::TempDir dir;
  write_safetensors(dir / "x", {}, {}, false);
  EXPECT_TRUE(read_safetensors_header(dir / "x").tensors.empty());
}

TEST(WriteSafetensors, RefusesWhatItCouldNotRead) {
  const test::TempDir dir;
  const std::string four = "1234";
  const auto refused = [&](const std::vector<TensorData>& tensors, const std::string& part) {
    expect_error(ErrorKind::kOutput, part,
                 [&] { write_safetensors(dir / "x", tensors, {}, false); });
    EXPECT_FALSE(std::filesystem::exists(dir / "x"));
  };
  refused({{"a", DType::kF32, {2}, bytes_of(four)}}, "needs 8 bytes by its shape, 4 were given");
  refused({{"a", DType::kF32, {-1}, bytes_of(four)}}, "negative dimension");
  refused({{"a", DType::kF32, {0}, {}}}, "has no elements");
  refused({{"", DType::kF32, {1}, bytes_of(four)}}, "empty name");
  refused({{"a", DType::kF32, {1}, bytes_of(four)}, {"a", DType::kF32, {1}, bytes_of(four)}},
          "duplicate tensor 'a'");
  refused({{"\xFF", DType::kF32, {1}, bytes_of(four)}}, "not valid UTF-8");
  refused({{"a\n", DType::kF32, {1}, bytes_of(four)}}, "control character");
  refused({{"a", DType::kF32, {int64_t{1} << 62, 64}, bytes_of(four)}}, "too large");
}

TEST(WriteSafetensors, ReplacesOnlyWhenAsked) {
  const test::TempDir dir;
  const std::string four = "1234";
  const std::vector<TensorData> tensors = {{"a", DType::kF32, {1}, bytes_of(four)}};
  write_safetensors(dir / "x", tensors, {}, false);
  expect_error(ErrorKind::kOutput, "exists already",
               [&] { write_safetensors(dir / "x", tensors, {}, false); });
  EXPECT_NO_THROW(write_safetensors(dir / "x", tensors, {}, true));
}

}  // namespace
}  // namespace genvid
