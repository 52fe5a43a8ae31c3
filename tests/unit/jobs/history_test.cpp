#include "jobs/history.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>
#include <vector>

#include "support/expect_error.h"
#include "support/temp_dir.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

HistoryEntry entry(const std::string& id, const std::string& prompt = "a \"house\"\n\xc3\xa9") {
  HistoryEntry e;
  e.clip_id = id;
  e.created = "2026-11-22T19:30:00Z";
  e.output = "/x/out.mp4";
  e.prompt = prompt;
  e.negative_prompt = "fog";
  e.inputs["image"] = {"/x/a.png", std::string(64, '1')};
  e.record = {{"genvid", "0"}, {"seed", 7}};
  return e;
}

void expect_equal(const HistoryEntry& a, const HistoryEntry& b) {
  EXPECT_EQ(a.clip_id, b.clip_id);
  EXPECT_EQ(a.created, b.created);
  EXPECT_EQ(a.output, b.output);
  EXPECT_EQ(a.prompt, b.prompt);
  EXPECT_EQ(a.negative_prompt, b.negative_prompt);
  EXPECT_EQ(a.inputs, b.inputs);
  EXPECT_EQ(a.record, b.record);
}

TEST(History, FindsTheLastLineOfAClip) {
  const TempDir dir;
  const fs::path file = dir.path() / "new" / "history.jsonl";
  const History history(file);
  EXPECT_FALSE(history.find("aa"));
  history.append(entry("aaaa-1", "first"));
  history.append(entry("bbbb-2"));
  history.append(entry("aaaa-1", "second"));
  expect_equal(history.find("bbbb-2").value(), entry("bbbb-2"));
  EXPECT_EQ(history.find("aaaa-1").value().prompt, "second");
  EXPECT_EQ(history.find("aaaa").value().prompt, "second") << "by the first digits";
  EXPECT_FALSE(history.find("house")) << "only ids count";
  EXPECT_FALSE(history.find(""));
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(file.parent_path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST(History, ALineCutShortHurtsNoOther) {
  const TempDir dir;
  const fs::path file = dir.path() / "h.jsonl";
  const History history(file);
  history.append(entry("aaaa"));
  const std::string line = history_line(entry("bbbb"));
  std::ofstream(file, std::ios::app) << line.substr(0, line.size() / 2);
  history.append(entry("cccc"));
  EXPECT_TRUE(history.find("aaaa"));
  EXPECT_FALSE(history.find("bbbb"));
  EXPECT_TRUE(history.find("cccc"));
}

TEST(History, EveryCutAndChangeIsALineOrNone) {
  const std::string line = history_line(entry("aaaa"));
  const std::string bare = line.substr(0, line.size() - 1);
  expect_equal(parse_history_line(bare).value(), entry("aaaa"));
  for (size_t n = 0; n < bare.size(); ++n) EXPECT_FALSE(parse_history_line(bare.substr(0, n)));
  for (const char* other :
       {"{}", "[]", "1", R"({"genvid_history":2,"clip_id":"a","record":{}})",
        R"({"genvid_history":1,"clip_id":"","record":{}})", R"({"genvid_history":1,"clip_id":"a"})",
        R"({"genvid_history":1,"clip_id":1,"record":{}})",
        R"({"genvid_history":1,"clip_id":"a","record":{},"inputs":[1]})",
        R"({"genvid_history":1,"clip_id":"a","record":{},"inputs":{"image":"x"}})"}) {
    EXPECT_FALSE(parse_history_line(other)) << other;
  }
}

TEST(History, ManyWritersMixNothing) {
  const TempDir dir;
  const History history(dir.path() / "h.jsonl");
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 25; ++i) {
        history.append(entry("w" + std::to_string(w) + "-" + std::to_string(i) + "-"));
      }
    });
  }
  for (std::thread& t : writers) t.join();
  for (int w = 0; w < 4; ++w) {
    for (int i = 0; i < 25; ++i) {
      EXPECT_TRUE(history.find("w" + std::to_string(w) + "-" + std::to_string(i) + "-"));
    }
  }
}

TEST(History, WhatCannotBeWrittenIsSaid) {
  const TempDir dir;
  fs::create_directory(dir.path() / "folder");
  fs::create_symlink(dir.path() / "elsewhere", dir.path() / "link");
  for (const char* name : {"folder", "link"}) {
    test::expect_error(ErrorKind::kOutput, name,
                       [&] { History(dir.path() / name).append(entry("a")); });
  }
  EXPECT_FALSE(fs::exists(dir.path() / "elsewhere")) << "links are not followed";
  test::expect_error(ErrorKind::kOutput, "HOME", [] { History(fs::path()).append(entry("a")); });
}

TEST(Secret, IsMadeOnceAndKept) {
  const TempDir dir;
  const fs::path folder = dir.path() / "share" / "genvid";
  std::vector<std::string> seen(8);
  std::vector<std::thread> readers;
  for (std::string& s : seen) readers.emplace_back([&] { s = user_secret(folder); });
  for (std::thread& t : readers) t.join();
  EXPECT_EQ(seen[0].size(), 64u);
  for (const std::string& s : seen) EXPECT_EQ(s, seen[0]);
  EXPECT_EQ(user_secret(folder), seen[0]);
  struct stat info {};
  ASSERT_EQ(::stat((folder / "secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1) << "nothing else is left";
  EXPECT_NE(user_secret(dir.path() / "other"), seen[0]);
}

TEST(Secret, WithoutAPlaceThereIsNone) {
  const TempDir dir;
  EXPECT_EQ(user_secret({}), "");
  std::ofstream(dir.path() / "file") << "x";
  EXPECT_EQ(user_secret(dir.path() / "file"), "");
  fs::create_directory(dir.path() / "bad");
  std::ofstream(dir.path() / "bad/secret") << "short\n";
  EXPECT_EQ(user_secret(dir.path() / "bad"), "") << "what is there is not replaced";
}

TEST(Secret, HmacIsHmacSha256) {
  // Python: hmac.new(b"k"*64, b"genvid 1\0prompt\0id\0a house", "sha256").hexdigest()
  EXPECT_EQ(text_hmac(std::string(64, 'k'), "id", "prompt", "a house"),
            "316296e7b40f3612e43e4a45ba8d3cbd74984fd3ed9a23c663ff7b7c22d9e29a");
}

}  // namespace
}  // namespace genvid
