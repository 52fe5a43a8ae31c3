// Content credentials with the real library, which set-up for tests puts beside the program: when
// it is missing these tests fail, they are not skipped.
#include "media/c2pa.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "core/atomic_file.h"
#include "core/input_file.h"
#include "core/json.h"
#include "media/seal_file.h"
#include "unit/media/media_helper.h"

namespace genvid::media {
namespace {

constexpr char kManifest[] =
    R"({"claim_version":2,"claim_generator_info":[{"name":"genvid","version":"0"}],
"assertions":[{"label":"c2pa.actions.v2","data":{"actions":[{"action":"c2pa.created",
"digitalSourceType":"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
"softwareAgent":{"name":"genvid","version":"0"}}]}},
{"label":"org.genvid.generation","data":{"seed":42}}]})";

// A signed clip of 12 frames and its unsigned twin.
class C2pa : public ::testing::Test {
 protected:
  void SetUp() override {
    keys_ = make_test_keys(dir_ / "keys");
    sealer_ =
        std::make_shared<C2paSealer>(load_signing_identity(keys_.key, keys_.chain), kManifest);
  }

  OutputOptions options(const std::string& name, bool sign) const {
    OutputOptions o;
    o.path = dir_ / name;
    o.metadata["comment"] = R"({"genvid":"0","seed":42})";
    if (sign) o.sealer = sealer_;
    return o;
  }

  std::string clip(const std::string& name, bool sign = true) const {
    const FrameSpec spec = make_spec(64, 48, 12);
    check_output(options(name, sign), {64, 48}, spec.fps, 12);
    write_clip(options(name, sign), spec, noise);
    return options(name, sign).path;
  }

  static std::string reasons(const C2paReport& report) {
    std::string all;
    for (const std::string& r : report.reasons) all += r + "\n";
    return all;
  }

  // In this process: the flips below would start hundreds otherwise.
  static C2paReport read_here(const std::string& path, const std::string& bytes,
                              const std::vector<uint8_t>& sidecar = {}) {
    const int fd = memfd_create("clip", MFD_CLOEXEC);
    EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    const C2paReport report = read_c2pa(c2pa_format(path), fd, sidecar, "");
    ::close(fd);
    return report;
  }

  TempDir dir_;
  TestKeys keys_;
  std::shared_ptr<const C2paSealer> sealer_;
};

void expect_same_pictures(const std::string& a, const std::string& b) {
  const std::vector<Decoded> one = decode(a), two = decode(b);
  ASSERT_EQ(one.size(), two.size());
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].planes, two[i].planes) << "frame " << i;
}

TEST_F(C2pa, EmbeddedIsValidAndChangesNoPicture) {
  for (const std::string suffix : {".mp4", ".m4v", ".mov", ".gif"}) {
    const std::string plain = clip("plain" + suffix, false), path = clip("signed" + suffix);
    const C2paReport report = read_c2pa(path, "");
    EXPECT_EQ(report.state, "valid") << suffix << ": " << reasons(report);
    EXPECT_TRUE(report.embedded);
    EXPECT_NE(report.manifest.find("trainedAlgorithmicMedia"), std::string::npos);
    EXPECT_NE(report.manifest.find("\"seed\":42"), std::string::npos);
    expect_same_pictures(plain, path);
    EXPECT_EQ(read_c2pa(plain, "").state, "none");
    const auto grown = std::filesystem::file_size(path) - std::filesystem::file_size(plain);
    EXPECT_LT(grown, 32u * 1024) << suffix;
  }
}

TEST_F(C2pa, EveryPictureOfASequenceIsSigned) {
  clip("frame_%03d.png");
  clip("plain_%03d.png", false);
  for (const char* n : {"001", "012"}) {
    const std::string path = dir_ / ("frame_" + std::string(n) + ".png");
    EXPECT_EQ(read_c2pa(path, "").state, "valid");
    expect_same_pictures(path, dir_ / ("plain_" + std::string(n) + ".png"));
  }
  EXPECT_EQ(dir_.names().size(), 1u + 24u) << "nothing else is left";
}

TEST_F(C2pa, APreviewIsSignedToo) {
  OutputOptions o = options("a.mp4", true);
  o.preview = dir_ / "sheet.png";
  write_clip(o, make_spec(64, 48, 12), noise);
  const C2paReport report = read_c2pa(o.preview, "");
  EXPECT_EQ(report.state, "valid") << reasons(report);
  EXPECT_NE(report.manifest.find("trainedAlgorithmicMedia"), std::string::npos);
  EXPECT_EQ(dir_.names(), (std::vector<std::string>{"a.mp4", "keys", "sheet.png"}));
}

TEST_F(C2pa, SidecarIsValidWhereTheContainerHasNoPlace) {
  for (const std::string suffix : {".webm", ".mkv"}) {
    const std::string plain = clip("plain" + suffix, false), path = clip("signed" + suffix);
    EXPECT_EQ(read_bytes(plain), read_bytes(path)) << "the file itself is untouched";
    const C2paReport report = read_c2pa(path, "");
    EXPECT_EQ(report.state, "valid") << suffix << ": " << reasons(report);
    EXPECT_FALSE(report.embedded);
    std::filesystem::rename(dir_ / "signed.c2pa", dir_ / ("x" + suffix + ".c2pa"));
    EXPECT_EQ(read_c2pa(path, "").state, "none");
  }
}

TEST_F(C2pa, TrustNeedsTheCa) {
  const std::string path = clip("a.mp4");
  const C2paReport unknown = read_c2pa(path, "");
  EXPECT_EQ(unknown.state, "valid");
  EXPECT_NE(reasons(unknown).find("signingCredential.untrusted"), std::string::npos);
  const C2paReport known = read_c2pa(path, read_bytes(keys_.ca_certificate));
  EXPECT_EQ(known.state, "trusted") << reasons(known);
  EXPECT_TRUE(known.reasons.empty()) << reasons(known);
}

// Where the samples are.
std::pair<size_t, size_t> media_data(const std::string& file) {
  if (file.starts_with("GIF8")) {  // the last picture, up to the comment
    return {file.rfind("\x21\xf9\x04") + 8, file.rfind("\x21\xfe")};
  }
  const auto u32 = [&](size_t at) {
    size_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(file[at + i]);
    return value;
  };
  for (size_t at = 0; at + 8 <= file.size(); at += std::max<size_t>(u32(at), 8)) {
    if (file.compare(at + 4, 4, "mdat") == 0) return {at + 8, at + u32(at)};
  }
  return {0, 0};
}

TEST_F(C2pa, OneFlippedBitOfTheMediaIsSeen) {
  std::mt19937 random(7);
  for (const std::string name : {"a.mp4", "b.mov", "c.gif"}) {
    const std::string path = clip(name), whole = read_bytes(path);
    const auto [begin, end] = media_data(whole);
    ASSERT_GT(end, begin + 100);
    ASSERT_EQ(read_here(path, whole).state, "valid");
    for (int i = 0; i < 100; ++i) {
      std::string bent = whole;
      const size_t at = begin + random() % (end - begin);
      bent[at] = static_cast<char>(bent[at] ^ (1 << (random() % 8)));
      EXPECT_EQ(read_here(path, bent).state, "invalid") << name << " at " << at;
    }
  }
}

TEST_F(C2pa, OneFlippedBitBesideASidecarIsSeen) {
  const std::string path = clip("a.webm"), whole = read_bytes(path);
  const std::string text = read_bytes(dir_ / "a.c2pa");
  const std::vector<uint8_t> sidecar(text.begin(), text.end());
  ASSERT_EQ(read_here(path, whole, sidecar).state, "valid");
  std::mt19937 random(8);
  for (int i = 0; i < 100; ++i) {
    std::string bent = whole;
    const size_t at = random() % bent.size();
    bent[at] = static_cast<char>(bent[at] ^ (1 << (random() % 8)));
    EXPECT_EQ(read_here(path, bent, sidecar).state, "invalid") << at;
  }
}

TEST_F(C2pa, ChangedTagsAreSeen) {
  const std::string path = clip("a.mp4");
  std::string bytes = read_bytes(path);
  size_t changed = 0;
  // In the container's tag and in the signed statement: each alone is enough.
  for (size_t at = 0; (at = bytes.find("seed", at)) != std::string::npos; at += 4) {
    std::string bent = bytes;
    bent[at] = 'S';
    const C2paReport report = read_here(path, bent);
    EXPECT_TRUE(report.state == "invalid" || report.state == "unreadable") << report.state;
    ++changed;
  }
  EXPECT_GE(changed, 2u);
}

// Whatever a file says, the answer is a report or one line.
TEST_F(C2pa, DamagedCredentialsAreReported) {
  const std::string path = clip("a.mp4"), whole = read_bytes(path);
  const size_t start = whole.find("jumb");
  ASSERT_NE(start, std::string::npos);
  std::mt19937 random(9);
  for (int i = 0; i < 100; ++i) {
    std::string bent = whole;
    const size_t at = start + random() % 3000;
    bent[at] = static_cast<char>(random());
    if (bent == whole) continue;
    const C2paReport report = read_here(path, bent);
    EXPECT_NE(report.state, "trusted");
  }
  write_bytes(dir_ / "cut.mp4", whole.substr(0, whole.size() / 2));
  EXPECT_NE(read_c2pa(dir_ / "cut.mp4", "").state, "valid");
  write_bytes(dir_ / "text.mp4", "no video");
  EXPECT_NE(read_c2pa(dir_ / "text.mp4", "").state, "valid");
}

TEST_F(C2pa, RefusedBeforeAnythingIsMade) {
  const auto refused = [&](const std::string& name, ErrorKind kind) {
    const Error e = error_of([&] { check_output(options(name, true), {64, 48}, {24, 1}, 12); });
    EXPECT_EQ(e.kind(), kind) << name;
    return std::string(e.what());
  };
  EXPECT_NE(refused("a.y4m", ErrorKind::kUsage).find("cannot be signed"), std::string::npos);
  OutputOptions pipe = options("x", true);
  pipe.path = "-";
  EXPECT_EQ(error_of([&] { check_output(pipe, {64, 48}, {24, 1}); }).kind(), ErrorKind::kUsage);
  write_bytes(dir_ / "b.c2pa", "somebody's");
  EXPECT_NE(refused("b.webm", ErrorKind::kOutput).find("b.c2pa"), std::string::npos);
  EXPECT_EQ(
      error_of([&] { C2paSealer(load_signing_identity(keys_.key, keys_.chain), "{]"); }).kind(),
      ErrorKind::kUsage);
}

// A signed copy that does not read back as the clip that was written.
TEST_F(C2pa, AFailedSignatureKeepsTheUnsignedFileOnlyWhenAsked) {
  const std::string plain = read_bytes(clip("plain.mp4", false));
  const auto commit = [&](bool keep) {
    AtomicFile file(dir_ / "a.mp4", false);
    file.write_all(plain.data(), plain.size());
    commit_sealed(file, dir_ / "a.mp4", 99, {sealer_.get(), false, keep});
  };
  const Error e = error_of([&] { commit(false); });
  EXPECT_EQ(e.kind(), ErrorKind::kOutput);
  EXPECT_NE(std::string(e.what()).find("99"), std::string::npos) << e.what();
  EXPECT_EQ(dir_.names(), (std::vector<std::string>{"keys", "plain.mp4"}));
  const Error kept = error_of([&] { commit(true); });
  EXPECT_NE(std::string(kept.what()).find("a.unsigned.mp4"), std::string::npos) << kept.what();
  EXPECT_EQ(read_bytes(dir_ / "a.unsigned.mp4"), plain);
  EXPECT_EQ(dir_.names(), (std::vector<std::string>{"a.unsigned.mp4", "keys", "plain.mp4"}));
}

}  // namespace
}  // namespace genvid::media
