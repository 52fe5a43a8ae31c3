// Job files: many clips in one file, as JSON (schema: configs/job.schema.json), JSON lines (one job
// a line, settings in an optional first line {"genvid": 1, ...}) or plain text (one prompt a line,
// '#' starts a comment). Parsing checks everything that can be checked without a model and keeps
// the text: a job is read again when it is its turn, so that a million jobs stay small.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "jobs/job_file_values.h"

namespace genvid {

enum class JobFormat { kJson, kLines, kText };
enum class OnExist { kSkip, kOverwrite, kFail };

struct JobFileSettings {
  std::string output_dir;
  std::string output_template = "{id}.mp4";
  OnExist on_exist = OnExist::kSkip;
  int retries = 0;
  bool fail_fast = false;
  bool keep_latents = false;
};

// Values of keys in the order given. A later layer replaces an earlier one's.
struct JobLayer {
  std::vector<std::pair<const JobKey*, JobValue>> values;
  uint64_t seen = 0;  // bit i: key i of job_param_keys()

  bool has(std::string_view key) const;
  void clear();
};

struct JobSweep {
  const JobKey* key = nullptr;
  std::vector<JobValue> values;
};

// One job as its text says.
struct JobFields {
  std::string id;  // empty = none given
  bool enabled = true;
  int priority = 0;
  uint64_t repeat = 1;
  std::vector<std::pair<size_t, std::string>> after;  // where and whom
  JobLayer params;
  std::vector<JobSweep> sweep;
  bool zip = false;

  void clear();
};

// What is kept of each job.
struct JobEntry {
  size_t position = 0;  // of its text
  std::string id;
  int priority = 0;
  uint32_t clips = 1;  // after sweep and repeat
  bool enabled = true;
  bool plain = true;  // neither sweep nor repeat
};

class JobFile {
 public:
  // Throws Error(kUsage) with one line for each thing that is wrong.
  static JobFile parse(std::string text, std::string name, JobFormat format);
  // path: a file, or "-" for stdin, whose format is told from its first line. out of both: the
  // format where given. Throws as parse.
  static JobFile read(const std::string& path, std::optional<JobFormat> format = {});

  const std::string& name() const { return name_; }
  const JobFileSettings& settings() const { return settings_; }
  const JobLayer& defaults() const { return defaults_; }
  const std::vector<JobEntry>& jobs() const { return jobs_; }
  uint64_t clip_count() const { return clip_count_; }

  // Until the next call. One job at a time is kept, since its clips come one after another.
  const JobFields& fields(size_t job) const;
  // Jobs that must be done before this one.
  std::vector<size_t> after(size_t job) const;
  std::optional<size_t> find(std::string_view id) const;
  size_t line_of(size_t job) const;

 private:
  friend class JobFileReader;
  JobFile() = default;

  std::string name_;
  std::string text_;
  JobFormat format_ = JobFormat::kJson;
  JobFileSettings settings_;
  JobLayer defaults_;
  std::vector<JobEntry> jobs_;
  std::vector<std::pair<uint64_t, uint32_t>> ids_;  // hash of id, job; sorted
  std::map<size_t, std::vector<size_t>> after_;
  uint64_t clip_count_ = 0;
  mutable JobFields last_fields_;
  mutable std::optional<size_t> last_job_;
};

// Not for secrets: tells values apart in names and tables. FNV-1a.
uint64_t plain_hash(std::string_view text, uint64_t seed = 14695981039346656037ull);

}  // namespace genvid
