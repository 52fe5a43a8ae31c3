#include "jobs/claim.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "support/temp_dir.h"

namespace genvid {
namespace {

using namespace std::chrono_literals;
using test::TempDir;
using Answer = ClaimFolder::Answer;

const JobKeys kKeys{"pixels", "file"};
const timespec kLongAgo[2] = {{1000, 0}, {1000, 0}};

TEST(ClaimFolder, OneHoldsAClipAtATime) {
  const TempDir dir;
  ClaimFolder one(dir.path(), 10s);
  ClaimFolder two(dir.path(), 10s);
  EXPECT_EQ(one.claim("a", kKeys), Answer::kMine);
  EXPECT_EQ(two.claim("a", kKeys), Answer::kBusy);
  EXPECT_EQ(two.claim("b", kKeys), Answer::kMine);
  one.release();
  two.done();
  EXPECT_EQ(two.claim("a", kKeys), Answer::kMine);
  EXPECT_EQ(one.claim("b", kKeys), Answer::kDone);
  EXPECT_EQ(one.claim("b", {"pixels", "other"}), Answer::kMine);  // the job was edited
}

TEST(ClaimFolder, AStaleClaimIsTakenOver) {
  const TempDir dir;
  { std::ofstream(dir.path() / "a.claim") << "host 1 dead"; }
  ASSERT_EQ(utimensat(AT_FDCWD, (dir.path() / "a.claim").c_str(), kLongAgo, 0), 0);
  ClaimFolder one(dir.path(), 10s);
  ClaimFolder two(dir.path(), 10s);
  EXPECT_EQ(one.claim("a", kKeys), Answer::kMine);
  EXPECT_EQ(two.claim("a", kKeys), Answer::kBusy);
}

TEST(ClaimFolder, ALivingClaimStaysFresh) {
  const TempDir dir;
  ClaimFolder one(dir.path(), 3s);
  ClaimFolder two(dir.path(), 3s);
  EXPECT_EQ(one.claim("a", kKeys), Answer::kMine);
  std::this_thread::sleep_for(4s);
  EXPECT_EQ(two.claim("a", kKeys), Answer::kBusy);
}

// One of eight processes: claims every clip, notes each that it makes. Every third process is
// killed while it holds a claim. The lease never ends by itself, however busy the machine is.
void work(const std::filesystem::path& dir, int number, int clips) {
  ClaimFolder claims(dir / "claims", 1h);
  for (int left = clips, round = 0; left > 0; ++round) {
    left = 0;
    for (int i = 0; i < clips; ++i) {
      const std::string id = "c" + std::to_string((i + number * 3) % clips);
      const Answer answer = claims.claim(id, kKeys);
      if (answer == Answer::kBusy) ++left;
      if (answer != Answer::kMine) continue;
      if (number % 3 == 0 && i == number) kill(getpid(), SIGKILL);
      const int fd = ::open((dir / "made").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
      const std::string line = id + "\n";
      if (::write(fd, line.data(), line.size()) < 0) _exit(2);
      ::close(fd);
      claims.done();
    }
    if (left > 0) std::this_thread::sleep_for(20ms);
    if (round > 2000) _exit(3);
  }
  _exit(0);
}

// As if the lease of all that a process holds had run out.
void expire_claims(const std::filesystem::path& claims, pid_t holder) {
  for (const auto& entry : std::filesystem::directory_iterator(claims)) {
    std::string host;
    pid_t pid = 0;
    std::ifstream(entry.path()) >> host >> pid;
    if (entry.path().extension() == ".claim" && pid == holder) {
      ASSERT_EQ(utimensat(AT_FDCWD, entry.path().c_str(), kLongAgo, 0), 0);
    }
  }
}

TEST(ClaimFolder, EightProcessesMakeEachClipOnceThoughSomeDie) {
  constexpr int kRuns = 20;
  constexpr int kClips = 12;
  for (int run = 0; run < kRuns; ++run) {
    const TempDir dir;
    std::vector<pid_t> children;
    for (int number = 0; number < 8; ++number) {
      children.push_back(fork());
      if (children.back() == 0) work(dir.path(), number, kClips);
    }
    for (size_t left = children.size(); left > 0; --left) {
      int status = 0;
      const pid_t child = wait(&status);
      ASSERT_GT(child, 0);
      EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << WEXITSTATUS(status);
      if (WIFSIGNALED(status)) expire_claims(dir.path() / "claims", child);
    }
    std::map<std::string, int> made;
    std::ifstream in(dir.path() / "made");
    for (std::string id; std::getline(in, id);) ++made[id];
    EXPECT_EQ(made.size(), static_cast<size_t>(kClips));
    for (const auto& [id, count] : made) EXPECT_EQ(count, 1) << id;
  }
}

}  // namespace
}  // namespace genvid
