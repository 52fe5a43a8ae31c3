#include "jobs/work_folder.h"

#include <gtest/gtest.h>

#include "jobs/job_expand.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using test::write_file;

const JobKeys kKeys{std::string(64, 'a'), std::string(64, 'f')};
const JobKeys kOther{std::string(64, 'b'), std::string(64, 'f')};

TEST(WorkFolder, IsMadeForTheFirstClipAndGoesWithTheLast) {
  const TempDir dir;
  WorkFolder work(dir / ".jobs.work");
  EXPECT_FALSE(fs::exists(dir / ".jobs.work"));
  EXPECT_FALSE(work.has_files(kKeys));
  const KeepSpec keep = work.keep(kKeys);
  EXPECT_EQ(keep.key, kKeys.pixels);
  for (const char* end :
       {".0.latents.safetensors", ".1.latents.safetensors", ".sampling.safetensors"}) {
    write_file(keep.prefix + end, "x");
  }
  write_file(work.keep(kOther).prefix + ".0.latents.safetensors", "xy");
  const WorkFolder seen(dir / ".jobs.work");
  EXPECT_EQ(seen.bytes(), 5u);
  EXPECT_TRUE(seen.has_latents(kKeys));
  work.remove(kKeys, false);
  EXPECT_TRUE(fs::exists(keep.prefix + ".1.latents.safetensors"));
  EXPECT_FALSE(fs::exists(keep.prefix + ".sampling.safetensors"));
  work.remove(kKeys, true);
  EXPECT_FALSE(fs::exists(keep.prefix + ".1.latents.safetensors"));
  work.close();
  EXPECT_TRUE(fs::exists(dir / ".jobs.work"));  // the other clip's
  work.remove(kOther, true);
  work.close();
  EXPECT_FALSE(fs::exists(dir / ".jobs.work"));
}

TEST(WorkFolder, HalfWrittenFilesAreNotLatentsAndGo) {
  const TempDir dir;
  const std::string part = "." + kKeys.pixels.substr(0, 32) + ".0.latents.safetensors.abcdef.part";
  write_file(dir / part, "half");
  WorkFolder work(dir.path());
  EXPECT_TRUE(work.has_files(kKeys));
  EXPECT_FALSE(work.has_latents(kKeys));
  work.keep(kKeys);
  EXPECT_FALSE(fs::exists(dir / part));
}

TEST(WorkFolder, WithoutAFolderNothingIsKept) {
  const TempDir dir;
  write_file(dir / "file", "");
  WorkFolder work(dir / "file/.jobs.work");
  EXPECT_TRUE(work.keep(kKeys).prefix.empty());
}

TEST(StaleParts, OnlyThisOutputsOwnGo) {
  const TempDir dir;
  for (const char* name : {".a.mp4.abcdef.part", ".a.mp4.ghijkl.part", ".ab.mp4.abcdef.part",
                           ".a.mp4.part", "a.mp4", "a.mp4.abcdef.part"}) {
    write_file(dir / name, "x");
  }
  StaleParts stale;
  stale.remove(dir / "a.mp4");
  EXPECT_FALSE(fs::exists(dir / ".a.mp4.abcdef.part"));
  EXPECT_FALSE(fs::exists(dir / ".a.mp4.ghijkl.part"));
  for (const char* name : {".ab.mp4.abcdef.part", ".a.mp4.part", "a.mp4", "a.mp4.abcdef.part"}) {
    EXPECT_TRUE(fs::exists(dir / name)) << name;
  }
  write_file(dir / ".a.mp4.mnopqr.part", "a later one's, who may be at work");
  stale.remove(dir / "a.mp4");
  EXPECT_TRUE(fs::exists(dir / ".a.mp4.mnopqr.part"));
}

// One job with very many values is read once, not once for each of its clips.
TEST(Sweep, ManyValuesCostTheirNumber) {
  constexpr int kValues = 50'000;
  std::string text = R"({"genvid":1,"jobs":[{"id":"a","prompt":"x","sweep":{"seed":[0)";
  for (int i = 1; i < kValues; ++i) text += "," + std::to_string(i);
  text += "]}}]}";
  const JobFile file = JobFile::parse(text, "x.json", JobFormat::kJson);
  const auto start = std::chrono::steady_clock::now();
  const auto clips = expand_jobs(file);
  ASSERT_EQ(clips.size(), static_cast<size_t>(kValues));
  uint64_t sum = 0;
  for (const ExpandedClip& clip : clips) sum += *clip_request(file, clip, {}).seed;
  EXPECT_EQ(sum, uint64_t{kValues} * (kValues - 1) / 2);
  // Read once a clip it was minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

}  // namespace
}  // namespace genvid
