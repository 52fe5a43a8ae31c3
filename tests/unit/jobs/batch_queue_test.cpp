#include "jobs/batch_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "jobs/shard.h"
#include "support/expect_error.h"

namespace genvid {
namespace {

using test::expect_error;
using State = BatchQueue::State;
using Clock = BatchQueue::Clock;

BatchClip clip(const std::string& id, const std::string& model = "m", int priority = 0) {
  BatchClip c;
  c.clip.id = id;
  c.model = model;
  c.priority = priority;
  return c;
}

ClipOutcome done() {
  ClipOutcome o;
  o.end = ClipOutcome::End::kDone;
  return o;
}

ClipOutcome failed(int code) {
  ClipOutcome o;
  o.code = code;
  o.error = "no";
  return o;
}

ClipOutcome crashed() {
  ClipOutcome o;
  o.end = ClipOutcome::End::kCrashed;
  o.code = 139;
  return o;
}

TEST(BatchQueue, KeepsClipsOfAModelTogether) {
  BatchQueue queue({clip("a", "m2"), clip("b", "m1"), clip("c", "m2"), clip("d", "m1", 5)}, 0);
  std::string order;
  while (const auto i = queue.take(Clock::now())) {
    order += queue.clips()[*i].clip.id;
    queue.finish(*i, done(), Clock::now());
  }
  EXPECT_EQ(order, "dbac");
  EXPECT_EQ(queue.count(State::kDone), 4u);
}

TEST(BatchQueue, WaitsForAfterAndSkipsWhatComesAfterAFailure) {
  std::vector<BatchClip> clips = {clip("c"), clip("b"), clip("a"), clip("d")};
  for (size_t i = 0; i < clips.size(); ++i) clips[i].clip.job = i;
  clips[0].after = {1};
  clips[1].after = {2};
  BatchQueue queue(clips, 0);
  const auto first = queue.take(Clock::now());
  EXPECT_EQ(first, 2u);
  EXPECT_EQ(queue.take(Clock::now()), 3u);
  EXPECT_FALSE(queue.take(Clock::now()));  // b waits for a
  EXPECT_FALSE(queue.wait(Clock::now()));
  queue.finish(*first, failed(5), Clock::now());
  EXPECT_EQ(queue.state(1), State::kSkipped);
  EXPECT_EQ(queue.state(0), State::kSkipped);
  EXPECT_EQ(queue.reason(1), "it comes after a, which is failed");
}

TEST(BatchQueue, RetriesWithGrowingDelaysWhatMayPass) {
  BatchQueue queue({clip("a"), clip("b")}, 2);
  const auto now = Clock::now();
  auto a = queue.take(now);
  EXPECT_TRUE(queue.finish(*a, failed(5), now));
  EXPECT_EQ(queue.wait(now), std::chrono::seconds(0));  // b
  auto b = queue.take(now);
  EXPECT_EQ(b, 1u);
  EXPECT_FALSE(queue.finish(*b, failed(2), now));  // usage: never
  EXPECT_FALSE(queue.take(now));
  EXPECT_EQ(queue.wait(now), std::chrono::seconds(1));
  const auto later = now + std::chrono::seconds(1);
  a = queue.take(later);
  EXPECT_TRUE(queue.finish(*a, failed(5), later));
  EXPECT_EQ(queue.wait(later), std::chrono::seconds(2));
  const auto last = later + std::chrono::seconds(2);
  a = queue.take(last);
  EXPECT_FALSE(queue.finish(*a, failed(5), last));
  EXPECT_EQ(queue.state(0), State::kFailed);
  EXPECT_EQ(queue.attempts(0), 3);
}

TEST(BatchQueue, ACrashIsTriedOnceMoreEvenWithoutRetries) {
  BatchQueue queue({clip("a")}, 0);
  const auto now = Clock::now();
  auto a = queue.take(now);
  EXPECT_TRUE(queue.finish(*a, crashed(), now));
  a = queue.take(now);
  ASSERT_TRUE(a);
  EXPECT_FALSE(queue.finish(*a, crashed(), now));
  EXPECT_EQ(queue.state(0), State::kFailed);
}

TEST(BatchQueue, ACopyOfAFailedClipIsMadeOnItsOwn) {
  std::vector<BatchClip> clips = {clip("a"), clip("b")};
  clips[1].copy_of = 0;
  BatchQueue queue(clips, 0);
  EXPECT_EQ(queue.take(Clock::now()), 0u);
  EXPECT_FALSE(queue.take(Clock::now()));
  queue.finish(0, failed(4), Clock::now());
  EXPECT_EQ(queue.take(Clock::now()), 1u);
}

TEST(BatchQueue, SaysWhatComesNextForTheSameModel) {
  BatchQueue queue({clip("a"), clip("b"), clip("c"), clip("d"), clip("x", "n")}, 0);
  queue.settle(1, State::kDone, "");
  EXPECT_EQ(queue.take(Clock::now()), 0u);
  EXPECT_EQ(queue.upcoming(0, 10, 1), (std::vector<size_t>{2, 3}));
  EXPECT_EQ(queue.upcoming(0, 1, 1), (std::vector<size_t>{2}));
  EXPECT_EQ(queue.upcoming(0, 10, 2),
            (std::vector<size_t>{3}));  // every second is another worker's
}

// A hundred thousand clips wait for one job: their end must not cost a look at each for each.
TEST(BatchQueue, ManyClipsCostTheirNumber) {
  constexpr size_t kClips = 100'000;
  std::vector<BatchClip> clips(kClips);
  for (size_t i = 0; i < kClips; ++i) {
    clips[i].clip.id = std::to_string(i);
    clips[i].clip.job = i < kClips / 2 ? 0 : 1;
    if (i >= kClips / 2) clips[i].after = {0};
  }
  BatchQueue queue(std::move(clips), 0);
  const auto start = Clock::now();
  size_t taken = 0;
  while (const auto i = queue.take(start)) {
    ++taken;
    queue.finish(*i, done(), start);
    ASSERT_EQ(queue.count(State::kDone), taken);
  }
  EXPECT_EQ(taken, kClips);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(5));  // 0.1 s on a free core
}

TEST(BatchQueue, StopLeavesRunningClips) {
  BatchQueue queue({clip("a"), clip("b")}, 0);
  queue.take(Clock::now());
  queue.stop("why");
  EXPECT_EQ(queue.state(0), State::kRunning);
  EXPECT_EQ(queue.reason(1), "why");
  queue.put_back(0, Clock::now(), std::chrono::seconds(0));
  EXPECT_EQ(queue.attempts(0), 0);
  EXPECT_EQ(queue.take(Clock::now()), 0u);
}

TEST(GlobMatch, StarsAndQuestionMarks) {
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a*c", "abbc"));
  EXPECT_TRUE(glob_match("a?c", "abc"));
  EXPECT_TRUE(glob_match("*b*b*", "abxb"));
  EXPECT_FALSE(glob_match("a?c", "ac"));
  EXPECT_FALSE(glob_match("a*c", "abcd"));
  EXPECT_FALSE(glob_match("", "a"));
}

TEST(Shard, PartsAreDisjointAndTogetherTheWhole) {
  for (uint32_t n = 1; n <= 17; ++n) {
    std::map<uint32_t, size_t> sizes;
    for (int i = 0; i < 3400; ++i) {
      const std::string id = "job" + std::to_string(i);
      int owners = 0;
      for (uint32_t part = 0; part < n; ++part) {
        if (!Shard{part, n}.has(id)) continue;
        ++owners;
        ++sizes[part];
      }
      EXPECT_EQ(owners, 1) << id << " of " << n;
    }
    for (uint32_t part = 0; part < n; ++part) {
      EXPECT_GT(sizes[part], 3400 / n * 7 / 10) << part << " of " << n;
    }
  }
}

std::map<std::string, std::string> g_environment;
const char* environment(const char* name) {
  const auto it = g_environment.find(name);
  return it == g_environment.end() ? nullptr : it->second.c_str();
}

TEST(Shard, ReadsTextAndEnvironment) {
  EXPECT_EQ(parse_shard("2/5"), (Shard{2, 5}));
  for (const char* bad : {"", "1", "5/5", "-1/5", "1/0", "1/", "/5", "a/b", "1/5/6"}) {
    expect_error(ErrorKind::kUsage, "--shard", [&] { parse_shard(bad); });
  }
  g_environment = {};
  EXPECT_FALSE(shard_of_environment(environment));
  g_environment = {{"SLURM_ARRAY_TASK_ID", "6"},
                   {"SLURM_ARRAY_TASK_MIN", "4"},
                   {"SLURM_ARRAY_TASK_MAX", "8"},
                   {"SLURM_ARRAY_TASK_COUNT", "5"}};
  EXPECT_EQ(shard_of_environment(environment), (Shard{2, 5}));
  g_environment["SLURM_ARRAY_TASK_COUNT"] = "3";  // --array=4,6,8
  expect_error(ErrorKind::kUsage, "gaps", [] { shard_of_environment(environment); });
  g_environment = {{"JOB_COMPLETION_INDEX", "1"}};
  expect_error(ErrorKind::kUsage, "JOB_COMPLETION_COUNT",
               [] { shard_of_environment(environment); });
  g_environment["JOB_COMPLETION_COUNT"] = "2";
  EXPECT_EQ(shard_of_environment(environment), (Shard{1, 2}));
}

}  // namespace
}  // namespace genvid
