#include "core/kept_file.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/input_file.h"
#include "core/log.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

using test::expect_error;
using test::TempDir;

const KeptLabel kLabel{"sampling", "key of the clip", "cpu, Float, 1 threads", 2, 7};

std::vector<uint8_t> written(const TempDir& dir) {
  const float a[6] = {0, 1, 2, 3, 4, 5};
  const uint16_t b[2] = {0x3f80, 0x4000};
  std::vector<TensorData> tensors(2);
  tensors[0].name = "solver.x0";
  tensors[0].dtype = DType::kBF16;
  tensors[0].shape = {2};
  tensors[0].bytes = {reinterpret_cast<const uint8_t*>(b), sizeof(b)};
  tensors[1].name = "latents";
  tensors[1].shape = {2, 3};
  tensors[1].bytes = {reinterpret_cast<const uint8_t*>(a), sizeof(a)};
  write_kept_file(dir / "k.safetensors", kLabel, tensors);
  const std::string text = read_file(dir / "k.safetensors", 1 << 20, ErrorKind::kOutput);
  return {text.begin(), text.end()};
}

std::string text_of(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

TEST(KeptFile, ComesBackAsItWas) {
  const TempDir dir;
  const KeptFile file = parse_kept_file(written(dir), "k");
  EXPECT_EQ(file.label, kLabel);
  ASSERT_EQ(file.tensors.size(), 2u);
  const TensorEntry* latents = file.find("latents");
  ASSERT_NE(latents, nullptr);
  float last = 0;
  std::memcpy(&last, file.bytes.data() + latents->offset + 20, 4);
  EXPECT_EQ(last, 5.0f);
  EXPECT_EQ(file.find("solver.x0")->dtype, DType::kBF16);
  EXPECT_EQ(file.find("nothing"), nullptr);
}

// Whatever one changes in one byte, the file is refused or says the very same.
TEST(KeptFile, NoByteCanChangeUnseen) {
  const TempDir dir;
  const std::vector<uint8_t> good = written(dir);
  const KeptFile whole = parse_kept_file(good, "k");
  size_t refused = 0, same = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<uint8_t> bad = good;
      bad[at] ^= static_cast<uint8_t>(1 << bit);
      try {
        const KeptFile file = parse_kept_file(bad, "k");
        EXPECT_EQ(file.label, whole.label) << "byte " << at;
        ASSERT_EQ(file.tensors.size(), whole.tensors.size()) << "byte " << at;
        for (size_t i = 0; i < file.tensors.size(); ++i) {
          const TensorEntry &a = file.tensors[i], &b = whole.tensors[i];
          EXPECT_EQ(a.name, b.name);
          EXPECT_EQ(a.shape, b.shape);
          EXPECT_EQ(std::memcmp(bad.data() + a.offset, good.data() + b.offset, a.bytes), 0);
        }
        ++same;  // white space in the header
      } catch (const Error& e) {
        EXPECT_EQ(e.kind(), ErrorKind::kOutput);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, good.size() * 7);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(parse_kept_file({good.begin(), good.begin() + static_cast<ptrdiff_t>(size)}, "k"),
                 Error);
  }
}

TEST(KeptFile, RefusesWhatItsMetadataDoesNotSay) {
  const TempDir dir;
  const std::string good = text_of(written(dir));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return std::vector<uint8_t>(text.begin(), text.end());
  };
  expect_error(ErrorKind::kOutput, "says no part",
               [&] { parse_kept_file(with("\"part\"", "\"tart\""), "k"); });
  expect_error(ErrorKind::kOutput, "not a number",
               [&] { parse_kept_file(with("\"step\":\"7\"", "\"step\":\"x\""), "k"); });
  expect_error(ErrorKind::kOutput, "version 9", [&] {
    parse_kept_file(with("\"genvid_kept\":\"1\"", "\"genvid_kept\":\"9\""), "k");
  });
  expect_error(ErrorKind::kOutput, "damaged",
               [&] { parse_kept_file(with("\"step\":\"7\"", "\"step\":\"8\""), "k"); });
}

// Files written by another program (the fuzz seeds): the good ones are read, every other is
// refused.
TEST(KeptFile, HostileCorpus) {
  const std::filesystem::path dir =
      std::string(GENVID_SOURCE_DIR) + "/tests/fuzz/corpus/kept_file_fuzz";
  size_t good = 0, bad = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    const std::string text = read_file(entry.path(), 1 << 20, ErrorKind::kOutput);
    const bool fine = name.starts_with("good") || name == "many_metadata" || name == "no_tensors" ||
                      name == "nul_in_key" || name == "escape_in_kind";
    bool read = true;
    try {
      parse_kept_file({text.begin(), text.end()}, name);
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kOutput);
      EXPECT_EQ(std::string(e.what()).find_first_of("\n\x1b"), std::string::npos);
      read = false;
    }
    EXPECT_EQ(read, fine) << name;
    (read ? good : bad) += 1;
  }
  EXPECT_GE(good, 2u);
  EXPECT_GE(bad, 12u);
}

TEST(KeptFile, IsReadOnlyForItsOwnClip) {
  const TempDir dir;
  written(dir);
  log::set_level(log::Level::kOff);
  const auto path = dir / "k.safetensors";
  const auto read = [&](const KeptLabel& expected, uint64_t most = 1 << 20) {
    return read_kept_file(path, expected, most).has_value();
  };
  EXPECT_TRUE(read(kLabel));
  KeptLabel other = kLabel;
  other.step = 0;
  EXPECT_TRUE(read(other));  // any step
  other.made_on = "";
  EXPECT_TRUE(read(other));  // any machine
  other.made_on = "cuda:0";
  EXPECT_FALSE(read(other));
  other = kLabel;
  other.key = "another";
  EXPECT_FALSE(read(other));
  other = kLabel;
  other.kind = "latents";
  EXPECT_FALSE(read(other));
  other = kLabel;
  other.part = 1;
  EXPECT_FALSE(read(other));
  EXPECT_FALSE(read(kLabel, 100));  // larger than expected
  EXPECT_FALSE(read_kept_file(dir / "none", kLabel, 1 << 20));
  EXPECT_FALSE(read_kept_file(dir.path(), kLabel, 1 << 20));  // a folder
  log::set_level(log::Level::kWarn);
}

}  // namespace
}  // namespace genvid
