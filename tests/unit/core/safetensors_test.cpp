#include "core/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

using test::expect_error;

std::string file_of(const std::string& header, size_t data_bytes) {
  std::string file(8, '\0');
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i));
  return file + header + std::string(data_bytes, '\0');
}

SafetensorsHeader parse(std::string_view file) {
  return parse_safetensors_header({reinterpret_cast<const uint8_t*>(file.data()), file.size()},
                                  file.size(), "x.safetensors");
}

void refused(const std::string& header, size_t data_bytes, const std::string& part) {
  SCOPED_TRACE(header.substr(0, 200));
  expect_error(ErrorKind::kModel, part, [&] { parse(file_of(header, data_bytes)); });
}

constexpr const char* kOne = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";

TEST(Safetensors, ReadsTensorsSortedByOffset) {
  const std::string header = R"(  {"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},)"
                             R"("__metadata__":{"format":"pt","k":""},)"
                             R"("a":{"shape":[],"data_offsets":[0,4],"dtype":"F32"}}   )";
  const SafetensorsHeader parsed = parse(file_of(header, 16));
  ASSERT_EQ(parsed.tensors.size(), 2u);
  EXPECT_EQ(parsed.tensors[0].name, "a");
  EXPECT_EQ(parsed.tensors[0].dtype, DType::kF32);
  EXPECT_TRUE(parsed.tensors[0].shape.empty());
  EXPECT_EQ(parsed.tensors[0].offset, 8 + header.size());
  EXPECT_EQ(parsed.tensors[0].bytes, 4u);
  EXPECT_EQ(parsed.tensors[1].name, "b");
  EXPECT_EQ(parsed.tensors[1].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(parsed.tensors[1].offset, 12 + header.size());
  EXPECT_EQ(parsed.tensors[1].bytes, 12u);
  EXPECT_EQ(parsed.metadata.at("format"), "pt");
  EXPECT_EQ(parsed.metadata.size(), 2u);
  EXPECT_TRUE(parse(file_of("{}", 0)).tensors.empty());
}

TEST(Safetensors, KnowsEveryDtype) {
  const std::vector<std::pair<std::string, size_t>> known = {
      {"BOOL", 1}, {"U8", 1},   {"I8", 1},  {"I16", 2}, {"I32", 4},     {"I64", 8},
      {"F16", 2},  {"BF16", 2}, {"F32", 4}, {"F64", 8}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
  for (const auto& [name, bytes] : known) {
    const auto parsed =
        parse(file_of("{\"t\":{\"dtype\":\"" + name + "\",\"shape\":[3],\"data_offsets\":[0," +
                          std::to_string(3 * bytes) + "]}}",
                      3 * bytes));
    EXPECT_EQ(dtype_name(parsed.tensors[0].dtype), name);
    EXPECT_EQ(dtype_bytes(parsed.tensors[0].dtype), bytes);
  }
}

// What the reference reader (0.8.0) refuses too.
TEST(Safetensors, RefusesWhatTheReferenceRefuses) {
  const std::string t = kOne;
  refused("{\"a\":" + t + "}", 8, "has 70 bytes, its header describes");
  refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "a hole or an overlap");
  refused("{\"a\":" + t + ",\"b\":" + t + "}", 4, "a hole or an overlap");
  refused("{\"a\":" + t + "}", 0, "it may be cut off");
  refused("{\"a\":" + t + '}' + '\0', 4, "unexpected byte 0x00");
  refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4, "an integer >= 0");
  refused(R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4, "an integer >= 0");
  refused(R"({"a":{"dtype":"F32","shape":[-0],"data_offsets":[0,4]}})", 4, "an integer >= 0");
  refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", 4,
          "data_offsets are [4, 0]");
  refused(R"({"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}})", 4, "unknown dtype 'F99'");
  refused(R"({"__metadata__":{"x":1}})", 0, "expected a string");
  refused(R"({"__metadata__":{},"__metadata__":{}})", 0, "duplicate __metadata__");
  refused("{\"\xFF\":" + t + "}", 4, "invalid UTF-8");
  refused("{\"\\ud800\":" + t + "}", 4, "lone high surrogate");
  refused("\xEF\xBB\xBF{\"a\":" + t + "}", 4, "expected '{'");
  refused("{\"a\":" + std::string(100'000, '['), 0, "expected '{'");
  refused(R"({"__metadata__":{"x":)" + std::string(200, '[') + "}}", 0, "expected a string");
  refused(R"({"a":{"dtype":"F32","shape":)" + std::string(200, '['), 0, "expected a number");
  refused(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4,
          "duplicate field 'dtype'");
  refused(R"({"a":{"dtype":"F32","shape":[1]}})", 4, "lacks dtype, shape or data_offsets");
  refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4, "needs two numbers");
  refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", 4, "more than two");
  refused("[]", 0, "expected '{'");
  refused("", 0, "the JSON ends");
}

TEST(Safetensors, RefusesMoreThanTheReference) {
  const std::string t = kOne;
  refused("{\"a\":" + t + ",\"a\":" + t + "}", 4, "duplicate tensor 'a'");
  refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4,
          "unknown field 'x'");
  refused(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", 4,
          "more than 8 dimensions");
  refused(R"({"a":{"dtype":"U8","shape":[1099511627777],"data_offsets":[0,4]}})", 4,
          "dimension 1099511627777 is above 1099511627776");
  refused(R"({"a":{"dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0]}})", 0,
          "is above");
  refused("{\"\":" + t + "}", 4, "empty name");
  refused("{\"" + std::string(513, 'n') + "\":" + t + "}", 4, "has 513 bytes");
  EXPECT_NO_THROW(parse(file_of("{\"" + std::string(512, 'n') + "\":" + t + "}", 4)));
  refused("{\"a\\u0000b\":" + t + "}", 4, "control character in tensor name 'a\\x00b'");
  refused("{\"a\\u001bb\":" + t + "}", 4, "control character");
  refused("{\"a\\u007f\":" + t + "}", 4, "control character");
  refused(R"({"z":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":)" + t + "}", 4,
          "tensor 'z' has no elements");
  refused(R"({"__metadata__":{"x":"1","x":"2"}})", 0, "duplicate metadata key 'x'");
}

TEST(Safetensors, RefusesTooManyTensors) {
  std::string header = "{";
  for (int i = 0; i <= 65'536; ++i) {
    header += (i == 0 ? "\"" : ",\"") + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[1],"data_offsets":[)" + std::to_string(i) + "," +
              std::to_string(i + 1) + "]}";
  }
  refused(header + "}", 65'537, "more than 65536 tensors");
}

TEST(Safetensors, RefusesOverflowingShapes) {
  refused(R"({"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,4]}})", 4,
          "more than 2^64 elements");
  refused(R"({"a":{"dtype":"F64","shape":[1099511627776,4194304],"data_offsets":[0,0]}})", 0,
          "is too large");
  refused(R"({"a":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,0]}})", 0,
          "an integer >= 0");
  refused(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[18446744073709551612,4]}})", 4,
          "data_offsets are");
  refused(R"({"a":{"dtype":"U8","shape":[4],)"
          R"("data_offsets":[18446744073709551611,18446744073709551615]}})",
          4, "ends at byte 18446744073709551615");
}

TEST(Safetensors, RefusesBadLengths) {
  const auto bad = [](std::string file, const std::string& part) {
    expect_error(ErrorKind::kModel, part, [&] { parse(file); });
  };
  bad("", "it has 0 bytes, at least 8");
  bad(std::string(7, '\0'), "it has 7 bytes");
  bad(std::string("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}", 10), "at most 100000000 is allowed");
  bad(std::string("\x40\x42\x0F\0\0\0\0\0{}", 10), "needs 1000008 bytes, the file has 10");
  bad(std::string("\x03\0\0\0\0\0\0\0{}", 10), "needs 11 bytes");
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::string whole = file_of(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":)"
                                    R"({"dtype":"U8","shape":[3],"data_offsets":[8,11]}})",
                                    11);
  EXPECT_NO_THROW(parse(whole));
  const test::TempDir dir;
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW(parse(whole.substr(0, length)), Error) << length;
    test::write_file(dir / "cut.safetensors", whole.substr(0, length));
    EXPECT_THROW(read_safetensors_header(dir / "cut.safetensors"), Error) << length;
  }
}

TEST(Safetensors, FilesMustBeRegular) {
  const test::TempDir dir;
  test::write_file(dir / "ok.safetensors", file_of(std::string("{\"a\":") + kOne + "}", 4));
  EXPECT_EQ(read_safetensors_header(dir / "ok.safetensors").tensors.size(), 1u);
  expect_error(ErrorKind::kModel, "it is a folder", [&] { read_safetensors_header(dir.path()); });
  expect_error(ErrorKind::kModel, "No such file", [&] { read_safetensors_header(dir / "none"); });
  expect_error(ErrorKind::kModel, "a device", [] { read_safetensors_header("/dev/zero"); });
  // A hole of 1 TB: its first eight bytes say an empty header.
  test::write_file(dir / "sparse", "");
  ASSERT_EQ(::truncate((dir / "sparse").c_str(), off_t{1} << 40), 0);
  expect_error(ErrorKind::kModel, "the JSON ends",
               [&] { read_safetensors_header(dir / "sparse"); });
}

}  // namespace
}  // namespace genvid
