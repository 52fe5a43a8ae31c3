// Every one-byte change of a header: refused, or the same tensors, or tensors that no network which
// expected the original could bind (a weight is bound by name, shape and a floating-point type).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "core/safetensors.h"
#include "genvid/error.h"
#include "support/safetensors_oracle.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

std::string small_file() {
  const std::string header = R"({"__metadata__":{"format":"pt"},)"
                             R"("w.a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                             R"("w.b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},)"
                             R"("s":{"dtype":"F16","shape":[],"data_offsets":[32,34]},)"
                             R"("w.c":{"dtype":"F32","shape":[1,2,1],"data_offsets":[34,42]}})";
  std::string file(8, '\0');
  for (size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i));
  return file + header + std::string(42, '\x11');
}

SafetensorsHeader parse(const std::string& file) {
  return parse_safetensors_header({reinterpret_cast<const uint8_t*>(file.data()), file.size()},
                                  file.size(), "x");
}

bool floating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 ||
         dtype == DType::kF64;
}

using Expected = std::map<std::string, TensorEntry>;

Expected by_name(const SafetensorsHeader& header) {
  Expected tensors;
  for (const TensorEntry& tensor : header.tensors) tensors[tensor.name] = tensor;
  return tensors;
}

bool same(const Expected& a, const Expected& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.dtype == y.second.dtype &&
           x.second.shape == y.second.shape && x.second.offset == y.second.offset;
  });
}

bool bindable(const Expected& original, const Expected& changed) {
  return std::equal(original.begin(), original.end(), changed.begin(), changed.end(),
                    [](const auto& x, const auto& y) {
                      return x.first == y.first && x.second.shape == y.second.shape &&
                             floating(x.second.dtype) == floating(y.second.dtype);
                    });
}

struct Counts {
  size_t refused = 0;
  size_t same = 0;
  size_t unbindable = 0;
};

// Tries value at one place of the file and puts the old one back.
void try_byte(std::string& file, size_t at, char value, const Expected& original, Counts& counts) {
  const char old = file[at];
  file[at] = value;
  try {
    const Expected changed = by_name(parse(file));
    if (same(original, changed)) {
      ++counts.same;
    } else {
      ++counts.unbindable;
      EXPECT_FALSE(bindable(original, changed)) << "byte " << at << " as " << int{value};
    }
  } catch (const Error&) {
    ++counts.refused;
  }
  file[at] = old;
}

TEST(SafetensorsSweep, EveryOneByteChangeIsRefusedOrHarmless) {
  std::string file = small_file();
  const Expected original = by_name(parse(file));
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  Counts counts;
  for (size_t at = 0; at < 8 + length; ++at) {
    for (int value = 0; value < 256; ++value) {
      if (static_cast<char>(value) == file[at]) continue;
      try_byte(file, at, static_cast<char>(value), original, counts);
    }
  }
  EXPECT_EQ(counts.refused + counts.same + counts.unbindable, (8 + length) * 255);
  EXPECT_GT(counts.refused, counts.same);  // renames are the many unbindable ones
  EXPECT_GT(counts.same, 0u);              // changes of the metadata
}

// The headers of checkpoints in the tree: each bit of every seventh byte.
TEST(SafetensorsSweep, RealHeadersToo) {
  const std::filesystem::path models = std::filesystem::path(GENVID_SOURCE_DIR) / "models";
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(models)) {
    if (entry.path().extension() != ".safetensors" || files == 4) continue;
    ++files;
    std::string file = test::read_back(entry.path());
    const Expected original = by_name(parse(file));
    uint64_t length = 0;
    std::memcpy(&length, file.data(), 8);
    Counts counts;
    for (size_t at = 0; at < std::min<uint64_t>(8 + length, 4000); at += 7) {
      for (int bit = 0; bit < 8; ++bit) {
        try_byte(file, at, static_cast<char>(file[at] ^ (1 << bit)), original, counts);
      }
    }
    EXPECT_GT(counts.refused, 0u) << entry.path();
  }
  EXPECT_GT(files, 0u);
}

}  // namespace
}  // namespace genvid
