#include "jobs/journal.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "core/crc32c.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

using test::expect_error;
using test::TempDir;

JournalEntry entry(const std::string& id, const std::string& status) {
  JournalEntry e;
  e.id = id;
  e.status = status;
  e.keys = {std::string(64, 'a'), std::string(64, 'b')};
  e.path = "out/" + id + ".mp4";
  e.bytes = 123;
  e.sha256 = "cafe";
  return e;
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(Journal, CrcIsCastagnolis) { EXPECT_EQ(crc32c("123456789"), 0xe3069283u); }

TEST(Journal, LinesComeBackAsWritten) {
  JournalEntry failed = entry("b", "failed");
  failed.code = 4;
  failed.error = "no \"space\"\nleft \xc3\xa9";
  failed.attempt = 3;
  std::string line = journal_line(failed);
  ASSERT_EQ(line.back(), '\n');
  line.pop_back();
  JournalEntry read;
  ASSERT_TRUE(parse_journal_line(line, read));
  EXPECT_EQ(read.id, "b");
  EXPECT_EQ(read.code, 4);
  EXPECT_EQ(read.error, failed.error);
  EXPECT_EQ(read.attempt, 3);
  EXPECT_EQ(read.keys, failed.keys);
}

TEST(Journal, ADamagedLineIsNoLine) {
  std::string line = journal_line(entry("a", "done"));
  line.pop_back();
  JournalEntry read;
  ASSERT_TRUE(parse_journal_line(line, read));
  for (size_t at = 0; at < line.size(); ++at) {
    for (const char mask : {1, 0x20}) {
      std::string bad = line;
      bad[at] = static_cast<char>(bad[at] ^ mask);
      EXPECT_FALSE(parse_journal_line(bad, read)) << at;
    }
    EXPECT_FALSE(parse_journal_line(line.substr(0, at), read)) << at;
  }
}

// Cut at every byte: all whole lines before the cut count, nothing else, and appending goes on.
TEST(Journal, ACutJournalLosesOnlyTheCutLine) {
  const TempDir dir;
  const auto path = dir.path() / "j";
  {
    Journal journal(path);
    journal.append(entry("a", "done"));
    journal.append(entry("b", "done"));
  }
  const std::string whole = text_of(path);
  const size_t first = whole.find('\n') + 1;
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    write(path, whole.substr(0, cut));
    { Journal(path).append(entry("c", "failed")); }
    JournalView view;
    view.read(path);
    EXPECT_EQ(view.last("a") != nullptr, cut >= first - 1) << cut;
    EXPECT_EQ(view.last("b") != nullptr, cut >= whole.size() - 1) << cut;
    ASSERT_NE(view.last("c"), nullptr) << cut;
    EXPECT_EQ(view.last("c")->status, "failed");
  }
}

TEST(Journal, DoneMeansBothKeysAndTheFile) {
  const TempDir dir;
  const std::string path = (dir.path() / "clip.mp4").string();
  write(path, "hello");
  JournalEntry e = entry("a", "done");
  e.path = path;
  e.bytes = 5;
  e.sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  const JobKeys keys = e.keys;
  EXPECT_TRUE(JournalView::is_complete(e, keys, path));  // by content, since the time differs
  EXPECT_FALSE(JournalView::is_complete(e, {keys.pixels, "other"}, path));
  EXPECT_FALSE(JournalView::is_complete(e, {"other", keys.file}, path));
  EXPECT_FALSE(JournalView::is_complete(e, keys, path + "2"));
  write(path, "hellp");
  EXPECT_FALSE(JournalView::is_complete(e, keys, path));
  write(path, "hell");
  EXPECT_FALSE(JournalView::is_complete(e, keys, path));
  std::filesystem::remove(path);
  EXPECT_FALSE(JournalView::is_complete(e, keys, path));
}

TEST(Journal, AStartedClipOwnsItsPathButIsNotDone) {
  JournalView view;
  view.add(entry("a", "started"));
  EXPECT_EQ(view.last("a"), nullptr);
  EXPECT_TRUE(view.made("out/a.mp4"));
  EXPECT_FALSE(view.made("out/b.mp4"));
}

TEST(Journal, TenThousandLinesReadFast) {
  const TempDir dir;
  const auto path = dir.path() / "j";
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += journal_line(entry("clip" + std::to_string(i), "done"));
  write(path, text);
  const std::clock_t start = std::clock();
  JournalView view;
  view.read(path);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_NE(view.last("clip9999"), nullptr);
  EXPECT_LT(seconds, 1.0);
  std::printf("10000 lines: %.3f s of CPU\n", seconds);
}

TEST(Journal, RefusesALinkAndAFolder) {
  const TempDir dir;
  write(dir.path() / "target", "");
  std::filesystem::create_symlink(dir.path() / "target", dir.path() / "link");
  expect_error(ErrorKind::kOutput, "cannot open the journal",
               [&] { Journal j(dir.path() / "link"); });
  expect_error(ErrorKind::kOutput, "cannot open the journal", [&] { Journal j(dir.path()); });
}

TEST(BatchLock, NamesWhoHoldsIt) {
  const TempDir dir;
  const auto path = dir.path() / "lock";
  int ready[2];
  int finish[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(finish), 0);
  const pid_t child = fork();
  if (child == 0) {
    const BatchLock lock(path);
    char byte = 'x';
    if (::write(ready[1], &byte, 1) != 1 || ::read(finish[0], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  expect_error(ErrorKind::kBusy, "process " + std::to_string(child) + " is at this batch",
               [&] { BatchLock lock(path); });
  ASSERT_EQ(::write(finish[1], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const BatchLock lock(path);  // free again
}

TEST(DigestCache, ReadsAFileOnceUntilItChanges) {
  const TempDir dir;
  const auto file = dir.path() / "w.safetensors";
  const auto cache = dir.path() / "cache" / "digests";
  write(file, "hello");
  std::string first;
  {
    DigestCache digests(cache);
    first = digests.file(file);
    EXPECT_EQ(first, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    EXPECT_EQ(digests.misses(), 1u);
  }
  DigestCache again(cache);
  EXPECT_EQ(again.file(file), first);
  EXPECT_EQ(again.misses(), 0u);
  write(file, "hellp");
  EXPECT_NE(again.file(file), first);
  EXPECT_EQ(again.misses(), 1u);
  DigestCache none("");
  EXPECT_EQ(none.model(dir.path()).size(), 64u);
}

}  // namespace
}  // namespace genvid
