// A byte of a checkpoint's safetensors header changed: refused with one line and exit code 3, or
// harmless, which the reference then proves. unit_core sweeps the parser alone over every byte;
// here the whole program meets the file.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

namespace fs = std::filesystem;

TEST(HeaderSweep, RefusedOrHarmless) {
  const TempDir dir;
  const std::string model = dir / "model";
  fs::copy(models("tiny-wan21"), model, fs::copy_options::recursive);
  std::string file;
  for (const auto& e : fs::directory_iterator(model + "/transformer")) {
    if (e.path().extension() == ".safetensors") file = e.path().string();
  }
  const std::string original = read_bytes(file);
  uint64_t length = 0;
  std::memcpy(&length, original.data(), 8);
  ASSERT_LT(length + 8, original.size());
  const auto put = [&](size_t at, char value) {
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(at));
    out.put(value);
  };
  const std::string reference =
      std::string(GENVID_SOURCE_DIR) + "/tests/data/tiny-wan21.ref.safetensors";
  constexpr size_t kPositions = 300;
  size_t refused = 0, harmless = 0;
  for (size_t i = 0; i < kPositions; ++i) {
    // The length and the first bytes one by one, then evenly over the rest.
    const size_t at = i < 16 ? i : 16 + (i - 16) * (length - 8) / (kPositions - 16);
    const char changed = static_cast<char>(original[at] ^ (1 << (i % 8)));
    put(at, changed);
    // Structure alone needs no engine, so that all positions take seconds.
    Result r = genvid({"models", "info", model});
    if (r.code == 0) {
      r = genvid({"models", "check", model, "--against", reference, "--threads", "1"});
      EXPECT_EQ(r.code, 0) << "byte " << at << " was accepted and matters: " << r.out << r.err;
      ++harmless;
    } else {
      EXPECT_EQ(r.code, 3) << "byte " << at << ": " << r.err;
      EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
      EXPECT_EQ(r.err.rfind("genvid: error: ", 0), 0u) << r.err;
      ++refused;
    }
    put(at, original[at]);
  }
  EXPECT_EQ(read_bytes(file), original);
  EXPECT_GT(refused, kPositions * 9 / 10);
  std::printf("%zu refused, %zu harmless\n", refused, harmless);
}

}  // namespace
}  // namespace genvid::e2e
