#include "jobs/job_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "core/input_file.h"
#include "core/limits.h"
#include "core/log.h"
#include "jobs/job_file_fields.h"
#include "jobs/job_file_reader.h"

namespace genvid {
namespace {

constexpr ErrorKind kKind = ErrorKind::kUsage;

std::string read_stdin() {
  std::string text;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof(buffer));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      throw Error(kKind,
                  "cannot read the job file from stdin: " + std::generic_category().message(errno));
    }
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > limits::kJobFileBytes) {
      throw Error(kKind, "the job file on stdin has more than " +
                             std::to_string(limits::kJobFileBytes) + " bytes; split it");
    }
  }
}

// What came on stdin: a whole first line that is an object without jobs begins JSON lines.
JobFormat guess_format(std::string_view text) {
  const std::string_view first = trimmed_line(text.substr(0, text.find('\n')));
  const size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || text[start] != '{') return JobFormat::kText;
  try {
    const Json line = parse_json(first, "", kKind);
    return line.is_object() && !line.contains("jobs") ? JobFormat::kLines : JobFormat::kJson;
  } catch (const Error&) {
    return JobFormat::kJson;
  }
}

}  // namespace

uint64_t plain_hash(std::string_view text, uint64_t seed) {
  uint64_t hash = seed;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ull;
  }
  return hash;
}

bool JobLayer::has(std::string_view key) const {
  return std::any_of(values.begin(), values.end(),
                     [&](const auto& value) { return value.first->name == key; });
}

void JobLayer::clear() {
  values.clear();
  seen = 0;
}

void JobFields::clear() {
  id.clear();
  enabled = true;
  priority = 0;
  repeat = 1;
  after.clear();
  params.clear();
  sweep.clear();
  zip = false;
}

JobFile JobFile::parse(std::string text, std::string name, JobFormat format) {
  if (text.size() > limits::kJobFileBytes) {
    throw Error(kKind, log::printable(name) + " has " + std::to_string(text.size()) +
                           " bytes, at most " + std::to_string(limits::kJobFileBytes) +
                           " are read; split it");
  }
  JobFile file;
  file.name_ = std::move(name);
  file.text_ = std::move(text);
  file.format_ = format;
  JobFileReader(file).run();
  return file;
}

JobFile JobFile::read(const std::string& path, std::optional<JobFormat> format) {
  if (path == "-") {
    std::string text = read_stdin();
    const JobFormat found = format.value_or(guess_format(text));
    return parse(std::move(text), "stdin", found);
  }
  if (!format) {
    if (path.ends_with(".json")) format = JobFormat::kJson;
    if (path.ends_with(".jsonl") || path.ends_with(".ndjson")) format = JobFormat::kLines;
    if (path.ends_with(".txt")) format = JobFormat::kText;
  }
  if (!format) {
    throw Error(kKind,
                log::printable(path) +
                    " is none of .json, .jsonl, .ndjson and .txt; rename it or pass --format");
  }
  return parse(read_file(path, limits::kJobFileBytes, kKind), path, *format);
}

const JobFields& JobFile::fields(size_t job) const {
  JobFields& fields = last_fields_;
  if (last_job_ == job) return fields;
  last_job_.reset();
  fields.clear();
  const std::string_view text = std::string_view(text_).substr(jobs_.at(job).position);
  if (format_ == JobFormat::kText) {
    JobValue value;
    value.text = std::string(trimmed_line(text.substr(0, text.find('\n'))));
    fields.params.values.emplace_back(find_job_param("prompt"), std::move(value));
    fields.params.seen = 1;
  } else {
    JobFileErrors errors;
    JsonReader reader(text, name_, kKind);
    read_job_fields(reader, errors, fields);
  }
  fields.id = jobs_[job].id;
  last_job_ = job;
  return fields;
}

std::vector<size_t> JobFile::after(size_t job) const {
  const auto it = after_.find(job);
  return it == after_.end() ? std::vector<size_t>{} : it->second;
}

std::optional<size_t> JobFile::find(std::string_view id) const {
  const uint64_t hash = plain_hash(id);
  for (auto it = std::lower_bound(ids_.begin(), ids_.end(), std::pair{hash, uint32_t{0}});
       it != ids_.end() && it->first == hash; ++it) {
    if (jobs_[it->second].id == id) return it->second;
  }
  return std::nullopt;
}

size_t JobFile::line_of(size_t job) const { return place_of(text_, jobs_.at(job).position).line; }

}  // namespace genvid
