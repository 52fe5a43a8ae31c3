// The parser against the corpus that the JSON schema is checked with (scripts/jobs/job_corpus.py).
#include <gtest/gtest.h>

#include <fstream>

#include "core/input_file.h"
#include "core/json.h"
#include "jobs/job_expand.h"

namespace genvid {
namespace {

// nullopt: accepted. A clip is made of every accepted job, so that nothing the parser lets through
// is refused later.
std::optional<std::string> refusal(const std::string& text) {
  try {
    const JobFile file = JobFile::parse(text, "x.json", JobFormat::kJson);
    if (file.clip_count() > 10'000) return std::nullopt;
    for (const ExpandedClip& clip : expand_jobs(file)) clip_request(file, clip, {});
    return std::nullopt;
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    return e.what();
  }
}

TEST(JobCorpus, ParserAndSchemaAgree) {
  const std::string path = std::string(GENVID_SOURCE_DIR) + "/tests/data/job_corpus.json";
  const Json corpus =
      parse_json(read_file(path, 100'000'000, ErrorKind::kUsage), path, ErrorKind::kUsage);
  ASSERT_GE(corpus.size(), 200u);
  size_t good = 0;
  for (const Json& entry : corpus) {
    const Json& verdict = entry.contains("parser") ? entry["parser"] : entry["schema"];
    const std::string text = entry["text"].get<std::string>();
    const auto why = refusal(text);
    EXPECT_EQ(!why, verdict.get<bool>())
        << entry["name"] << ": " << why.value_or("accepted") << "\n"
        << text.substr(0, 300);
    if (!why) ++good;
    if (why && entry.contains("where")) {
      const std::string place = "x.json:" + entry["where"].get<std::string>() + ": ";
      EXPECT_TRUE(why->starts_with(place)) << entry["name"] << ": " << *why;
    }
  }
  RecordProperty("cases", static_cast<int>(corpus.size()));
  EXPECT_GE(good, 100u);
  EXPECT_GE(corpus.size() - good, 100u);
}

TEST(JobCorpus, ExamplesAreGood) {
  const std::string dir = std::string(GENVID_SOURCE_DIR) + "/configs/jobs/";
  EXPECT_EQ(expand_jobs(JobFile::read(dir + "example.json")).size(), 4u);
  EXPECT_EQ(expand_jobs(JobFile::read(dir + "prompts.txt")).size(), 2u);
}

}  // namespace
}  // namespace genvid
