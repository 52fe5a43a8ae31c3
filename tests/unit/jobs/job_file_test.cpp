#include "jobs/job_file.h"

#include <gtest/gtest.h>
#include <time.h>

#include "core/request_json.h"
#include "jobs/job_expand.h"
#include "support/expect_error.h"

namespace genvid {
namespace {

using test::expect_error;

JobFile parse(std::string text, JobFormat format = JobFormat::kJson) {
  return JobFile::parse(std::move(text), "jobs.json", format);
}

std::string refusal(std::string text, JobFormat format = JobFormat::kJson) {
  try {
    parse(std::move(text), format);
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

std::vector<Request> requests(const JobFile& file, const ExpandOptions& options = {}) {
  std::vector<Request> all;
  for (const ExpandedClip& clip : expand_jobs(file))
    all.push_back(clip_request(file, clip, options));
  return all;
}

std::vector<std::string> ids(const JobFile& file) {
  std::vector<std::string> all;
  for (const ExpandedClip& clip : expand_jobs(file)) all.push_back(clip.id);
  return all;
}

using Ids = std::vector<std::string>;

TEST(JobFile, KeysCoverARequestAndNothingElse) {
  for (const std::string_view key : request_keys()) {
    // What happens to existing files is the file's on_exist; a format is for pipes alone.
    EXPECT_EQ(find_job_param(key) != nullptr, key != "overwrite" && key != "format") << key;
  }
  for (const JobKey& key : job_param_keys()) {
    const bool other_name =
        key.name == "width" || key.name == "height" || key.name == "input_reference";
    const auto known = request_keys();
    EXPECT_NE(std::find(known.begin(), known.end(), key.name) != known.end(), other_name)
        << key.name;
  }
  ASSERT_LE(job_param_keys().size(), 64u);  // JobLayer::seen
}

TEST(JobFile, TellsEverythingThatIsWrongAtOnce) {
  const std::string all = refusal(
      "{\"genvid\": 1, \"on_exist\": \"skp\",\n"
      " \"defaults\": {\"steps\": 4},\n"
      " \"jobs\": [\n"
      "  {\"id\": \"a\", \"promt\": \"x\"},\n"
      "  {\"id\": \"a\", \"prompt\": \"x\", \"seed\": -1, \"after\": [\"bb\"]},\n"
      "  {\"id\": \"b\", \"prompt\": \"x\", \"seed\": 1, \"seed\": 2}]}");
  EXPECT_EQ(all,
            "jobs.json:1:27: \"on_exist\" is \"skp\", expected one of skip, overwrite, fail; did "
            "you mean \"skip\"?\n"
            "jobs.json:2:15: unknown key \"steps\"; did you mean \"num_inference_steps\"?\n"
            "jobs.json:4:3: the job has no \"prompt\", and \"defaults\" gives none\n"
            "jobs.json:4:15: unknown key \"promt\"; did you mean \"prompt\"?\n"
            "jobs.json:5:3: the id \"a\" is used twice, first on line 4\n"
            "jobs.json:5:38: \"seed\" is -1, expected an integer in [0, 9007199254740991]\n"
            "jobs.json:5:52: \"after\" names \"bb\", which is no job's id; did you mean \"b\"?\n"
            "jobs.json:6:41: duplicate key \"seed\"");
}

TEST(JobFile, CountsWhatItDoesNotShow) {
  std::string text = "{\"genvid\":1,\"jobs\":[{\"prompt\":\"x\"}";
  for (int i = 0; i < 2000; ++i) text += ",\n{\"prompt\":\"x\",\"sed\":1}";
  const std::string all = refusal(text + "]}");
  EXPECT_TRUE(all.ends_with("\nand 1950 more errors")) << all.substr(all.size() - 100);
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 50);
}

TEST(JobFile, MalformedJsonKeepsWhatWasFoundBefore) {
  EXPECT_EQ(refusal("{\"genvid\": 2,\n \"jobs\": [}"),
            "jobs.json:1:12: \"genvid\" is 2, expected an integer in [1, 1]\n"
            "jobs.json:2:11: expected a JSON value, found '}'");
}

TEST(JobFile, ReadsJsonLines) {
  const JobFile file = parse(
      "{\"genvid\": 1, \"defaults\": {\"seconds\": 2}, \"output_dir\": \"o\"}\n"
      "\n"
      "  {\"id\": \"a\", \"prompt\": \"x\"}\r\n"
      "{\"prompt\": \"y\", \"repeat\": 2}",
      JobFormat::kLines);
  ASSERT_EQ(file.jobs().size(), 2u);
  EXPECT_EQ(file.clip_count(), 3u);
  EXPECT_EQ(file.line_of(0), 3u);
  EXPECT_EQ(file.line_of(1), 4u);
  const auto all = requests(file);
  EXPECT_EQ(all[0].output, "o/a.mp4");
  EXPECT_EQ(all[2].prompt, "y");
  EXPECT_EQ(all[2].seconds, 2.0);
}

TEST(JobFile, EveryBadLineIsNamed) {
  EXPECT_EQ(refusal("{\"prompt\": \"x\"}\n{\"prompt\": \"x\"\n{\"prompt\": 1}\n7\n{\"genvid\":1}\n",
                    JobFormat::kLines),
            "jobs.json:2:15: the JSON ends before '}'\n"
            "jobs.json:3:12: \"prompt\" is a number, expected text\n"
            "jobs.json:4:1: a job must be an object in {braces}\n"
            "jobs.json:5:1: the job has no \"prompt\", and \"defaults\" gives none\n"
            "jobs.json:5:2: unknown key \"genvid\"");
}

TEST(JobFile, ReadsOnePromptALine) {
  const JobFile file =
      parse("# my shots\n\n  a house \r\nA house by the sea!\na house\n", JobFormat::kText);
  const auto all = requests(file);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].prompt, "a house");
  EXPECT_EQ(all[1].prompt, "A house by the sea!");
  const Ids names = ids(file);
  EXPECT_TRUE(names[1].starts_with("a-house-by-the-sea-")) << names[1];
  EXPECT_EQ(names[2], names[0] + "-2");
  for (const std::string& id : names) EXPECT_TRUE(is_job_id(id)) << id;
  EXPECT_NE(refusal("ok\nbad \xff\n", JobFormat::kText).find("jobs.json:2:5: invalid UTF-8"),
            std::string::npos);
  EXPECT_NE(refusal("# nothing\n", JobFormat::kText).find("there are no jobs"), std::string::npos);
}

TEST(JobFile, AnIdComesFromTheJobAlone) {
  const Ids before = ids(parse("a\nb\n", JobFormat::kText));
  const Ids after = ids(parse("new\nb\na\n", JobFormat::kText));
  EXPECT_EQ(before[0], after[2]);
  EXPECT_EQ(before[1], after[1]);
}

TEST(JobExpand, SweepsProductAndZip) {
  const std::string head = "{\"genvid\":1,\"jobs\":[{\"id\":\"h\",\"prompt\":\"x\",";
  EXPECT_EQ(ids(parse(head + "\"sweep\":{\"seed\":[1,2],\"guidance_scale\":[4,6.5]}}]}")),
            (Ids{"h-seed1-guidance_scale4", "h-seed1-guidance_scale6.5", "h-seed2-guidance_scale4",
                 "h-seed2-guidance_scale6.5"}));
  EXPECT_EQ(ids(parse(head + "\"sweep\":{\"seed\":[1,2],\"crf\":[4,6]},\"sweep_mode\":\"zip\"}]}")),
            (Ids{"h-seed1-crf4", "h-seed2-crf6"}));
  const JobFile repeated = parse(head + "\"seed\":9007199254740991,\"repeat\":2}]}");
  EXPECT_EQ(ids(repeated), (Ids{"h-r1", "h-r2"}));
  EXPECT_EQ(requests(repeated)[0].seed, kMaxJobSeed);
  EXPECT_EQ(requests(repeated)[1].seed, 0u);  // wraps
  const JobFile words = parse(head + "\"sweep\":{\"prompt\":[\"a long prompt of words\"]}}]}");
  EXPECT_EQ(requests(words)[0].prompt, "a long prompt of words");
  EXPECT_TRUE(is_job_id(ids(words)[0]));
}

TEST(JobExpand, LaterLayersReplaceEarlierOnes) {
  const JobFile file = parse(
      "{\"genvid\":1,\"defaults\":{\"num_frames\":9,\"size\":\"64x64\",\"seed\":3},\"jobs\":["
      "{\"id\":\"a\",\"prompt\":\"x\",\"seconds\":2,\"width\":32,\"height\":48},"
      "{\"id\":\"b\",\"prompt\":\"x\",\"input_reference\":\"p.png\"}]}");
  ExpandOptions options;
  add_override("num_inference_steps=7", options.overrides);
  add_override("fps=30000/1001", options.overrides);
  options.output_dir = "dir";
  const auto all = requests(file, options);
  EXPECT_EQ(all[0].seconds, 2.0);
  EXPECT_FALSE(all[0].frames);
  EXPECT_EQ(all[0].size, (Size{32, 48}));
  EXPECT_EQ(all[1].frames, 9);
  EXPECT_EQ(all[1].size, (Size{64, 64}));
  EXPECT_EQ(all[1].image, "p.png");
  EXPECT_EQ(all[1].num_inference_steps, 7);
  EXPECT_EQ(all[1].fps, (Rational{30000, 1001}));
  EXPECT_EQ(all[1].output, "dir/b.mp4");
  expect_error(ErrorKind::kUsage, "did you mean \"seconds\"",
               [&] { add_override("second=1", options.overrides); });
  expect_error(ErrorKind::kUsage, "expected an integer in [0, 63]",
               [&] { add_override("crf=99", options.overrides); });
  expect_error(ErrorKind::kUsage, "KEY=VALUE", [&] { add_override("crf", options.overrides); });
}

TEST(JobExpand, FillsFileNames) {
  const JobFile file = parse(
      "{\"genvid\":1,\"output_template\":\"{index}/{id}-{seed}.webm\",\"jobs\":["
      "{\"id\":\"a\",\"prompt\":\"x\",\"seed\":5},"
      "{\"id\":\"b\",\"prompt\":\"x\",\"output\":\"named.mov\"}]}");
  EXPECT_EQ(requests(file)[0].output, "1/a-5.webm");
  EXPECT_EQ(requests(file)[1].output, "named.mov");
}

TEST(JobExpand, AClipWithoutASeedKeepsTheOneItGets) {
  const std::string job = "{\"id\":\"a\",\"prompt\":\"x\"}";
  const auto one = requests(parse("{\"genvid\":1,\"jobs\":[" + job + "]}"));
  const auto two = requests(parse("{\"genvid\":1,\"jobs\":[{\"prompt\":\"y\"}," + job + "]}"));
  ASSERT_TRUE(one[0].seed && two[1].seed);
  EXPECT_EQ(*one[0].seed, *two[1].seed);
  EXPECT_NE(*two[0].seed, *two[1].seed);
}

TEST(JobExpand, ClipsWithOneIdAreRefused) {
  expect_error(ErrorKind::kUsage, "jobs.json:2: the clip \"a-r1\" has the id of one from line 1",
               [] {
                 ids(
                     parse("{\"genvid\":1,\"jobs\":[{\"id\":\"a\",\"prompt\":\"x\",\"repeat\":2},\n"
                           "{\"id\":\"a-r1\",\"prompt\":\"x\"}]}"));
               });
}

TEST(JobFile, FindsJobsAndTheirOrder) {
  const JobFile file = parse(
      "{\"genvid\":1,\"jobs\":[{\"id\":\"a\",\"prompt\":\"x\",\"after\":[\"b\"]},"
      "{\"id\":\"b\",\"prompt\":\"x\",\"enabled\":false,\"priority\":-3}]}");
  EXPECT_EQ(file.find("b"), 1u);
  EXPECT_FALSE(file.find("c"));
  EXPECT_EQ(file.after(0), std::vector<size_t>{1});
  EXPECT_TRUE(file.after(1).empty());
  EXPECT_EQ(file.jobs()[1].priority, -3);
  EXPECT_EQ(ids(file), Ids{"a"});
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// The time is of this process alone, so that a busy machine does not matter.
void parse_a_million(JobFormat format) {
  constexpr size_t kCount = 1'000'000;
  const bool json = format == JobFormat::kJson;
  std::string text = json ? "{\"genvid\":1,\"jobs\":[\n" : "";
  for (size_t i = 0; i < kCount; ++i) {
    if (json && i > 0) text += ",\n";
    text += "{\"id\":\"job" + std::to_string(i) + "\",\"prompt\":\"a house by the sea, take " +
            std::to_string(i) + "\",\"seed\":" + std::to_string(i) + "}";
    if (!json) text += "\n";
  }
  if (json) text += "]}";
  const double start = cpu_seconds();
  const JobFile file = parse(std::move(text), format);
  const double spent = cpu_seconds() - start;
  EXPECT_EQ(file.jobs().size(), kCount);
  EXPECT_EQ(file.find("job777777"), 777777u);
  EXPECT_LT(spent, 2.0);
  ::testing::Test::RecordProperty("cpu_seconds", std::to_string(spent));
  std::printf("%zu jobs: %.2f s of CPU\n", kCount, spent);
}

TEST(JobFile, AMillionJobsAsJson) { parse_a_million(JobFormat::kJson); }
TEST(JobFile, AMillionJobsAsLines) { parse_a_million(JobFormat::kLines); }

}  // namespace
}  // namespace genvid
