#include "jobs/history_index.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_dir.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

HistoryEntry entry(const std::string& id, const std::string& prompt) {
  HistoryEntry e;
  e.clip_id = id;
  e.created = "2026-11-22T19:30:00Z";
  e.prompt = prompt;
  e.record = {{"clip_id", id}, {"seed", 7}};
  return e;
}

class HistoryIndexTest : public testing::Test {
 protected:
  void add(const std::string& text) { std::ofstream(file_, std::ios::app) << text; }

  test::TempDir dir_;
  fs::path file_ = dir_.path() / "history.jsonl";
  History history_{file_};
  HistoryIndex index_{file_};
};

TEST_F(HistoryIndexTest, SeesWhatIsAddedBetweenQuestions) {
  EXPECT_FALSE(index_.find("a-1"));
  history_.append(entry("a-1", "first"));
  EXPECT_EQ(index_.find("a-1").value().prompt, "first");
  history_.append(entry("b-2", "\"clip_id\":\"c-3\""));
  history_.append(entry("a-1", "second"));
  EXPECT_EQ(index_.find("a-1").value().prompt, "second");
  EXPECT_TRUE(index_.find("b-2"));
  EXPECT_FALSE(index_.find("c-3")) << "a prompt is no id";
  EXPECT_FALSE(index_.find("a")) << "whole ids only";
  EXPECT_FALSE(index_.find(""));
}

TEST_F(HistoryIndexTest, PassesOverDamagedLines) {
  history_.append(entry("a-1", "whole"));
  std::string cut = history_line(entry("a-1", "cut"));
  cut.resize(cut.size() / 2);
  add("\n\nno line of a history\n" + cut);
  EXPECT_EQ(index_.find("a-1").value().prompt, "whole");
  history_.append(entry("b-2", "after the cut"));  // ends the cut line first
  EXPECT_EQ(index_.find("a-1").value().prompt, "whole");
  EXPECT_EQ(index_.find("b-2").value().prompt, "after the cut");
}

TEST_F(HistoryIndexTest, StartsAgainOnAShorterFile) {
  for (const char* id : {"a-1", "b-2", "c-3"}) history_.append(entry(id, "long enough"));
  EXPECT_TRUE(index_.find("c-3"));
  fs::remove(file_);
  EXPECT_FALSE(index_.find("c-3")) << "its place is gone";
  history_.append(entry("d-4", "new"));
  EXPECT_EQ(index_.find("d-4").value().prompt, "new");
  EXPECT_FALSE(index_.find("c-3"));
}

TEST(HistoryIndex, NoFileNoEntry) {
  EXPECT_FALSE(HistoryIndex(fs::path()).find("a-1"));
  EXPECT_FALSE(HistoryIndex("/").find("a-1"));
}

}  // namespace
}  // namespace genvid
