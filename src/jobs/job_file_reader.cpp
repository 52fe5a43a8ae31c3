#include "jobs/job_file_reader.h"

#include <algorithm>

#include "core/limits.h"
#include "core/log.h"
#include "core/suggest.h"
#include "jobs/job_file_fields.h"

namespace genvid {
namespace {

constexpr ErrorKind kKind = ErrorKind::kUsage;

std::string shown(std::string_view id) { return "\"" + log::printable(id.substr(0, 128)) + "\""; }

// Clips after sweep and repeat; kMaxJobs + 1 when more than kMaxJobs.
uint64_t count_clips(const JobFields& job) {
  uint64_t count = job.repeat;
  if (job.zip && !job.sweep.empty())
    return std::min(count * job.sweep[0].values.size(), kMaxJobs + 1);
  for (const JobSweep& sweep : job.sweep) {
    count = std::min(count * sweep.values.size(), kMaxJobs + 1);
  }
  return count;
}

}  // namespace

std::string_view trimmed_line(std::string_view line) {
  const size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

void JobFileReader::run() {
  if (file_.format_ == JobFormat::kJson) read_json();
  if (file_.format_ == JobFormat::kLines) read_lines();
  if (file_.format_ == JobFormat::kText) read_text();
  if (complete_) {
    if (file_.jobs_.empty() && errors_.empty()) errors_.add(0, "there are no jobs");
    check_prompts();
    index_ids();
    resolve_after();
  }
  if (!errors_.empty()) errors_.raise(file_.text_, file_.name_);
}

void JobFileReader::add_job(size_t position) {
  file_.clip_count_ += count_clips(job_);
  if (file_.clip_count_ > kMaxJobs) {
    if (!too_many_) {
      errors_.add(position - base_, "more than " + std::to_string(kMaxJobs) +
                                        " clips, counting sweeps and repeats; split the file");
    }
    too_many_ = true;
    return;
  }
  JobEntry entry;
  entry.position = position;
  entry.clips = static_cast<uint32_t>(count_clips(job_));
  entry.priority = job_.priority;
  entry.enabled = job_.enabled;
  entry.plain = job_.sweep.empty() && job_.repeat == 1;
  const bool automatic = job_.id.empty();
  if (automatic) automatic_.push_back(file_.jobs_.size());
  entry.id = automatic ? automatic_job_id(job_) : job_.id;
  for (const auto& [at, id] : job_.after) after_.push_back({file_.jobs_.size(), base_ + at, id});
  const bool prompt = job_.params.has("prompt") ||
                      std::any_of(job_.sweep.begin(), job_.sweep.end(),
                                  [](const JobSweep& s) { return s.key->name == "prompt"; });
  // A prompt that is there but wrong has been noted.
  if (!prompt && !(job_.params.seen & 1)) no_prompt_.push_back(position);
  file_.jobs_.push_back(std::move(entry));
}

void JobFileReader::read_job(JsonReader& reader) {
  job_.clear();
  const bool object = reader.peek() == JsonReader::Type::kObject;
  const size_t position = reader.last_position();
  read_job_fields(reader, errors_, job_);
  if (object) add_job(base_ + position);
}

void JobFileReader::read_jobs(JsonReader& reader) {
  if (reader.peek() != JsonReader::Type::kArray) {
    errors_.add(reader.last_position(), "\"jobs\" must be a list of jobs");
    skip_json_value(reader);
    return;
  }
  const size_t start = reader.last_position();
  size_t count = 0;
  reader.begin_array();
  for (; reader.next_item(); ++count) read_job(reader);
  if (count == 0) errors_.add(start, "\"jobs\" is empty");
}

// The top-level object; jobs only where may_have_jobs.
void JobFileReader::read_top(JsonReader& reader, bool may_have_jobs) {
  if (reader.peek() != JsonReader::Type::kObject) {
    errors_.add(reader.last_position(),
                "a job file is an object, {\"genvid\": 1, \"jobs\": [...]}");
    skip_json_value(reader);
    return;
  }
  const size_t start = reader.last_position();
  std::vector<std::string> seen;
  std::string key;
  reader.begin_object();
  while (reader.next_key(key)) {
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      errors_.add(reader.last_position(), "duplicate key " + shown(key));
      skip_json_value(reader);
      continue;
    }
    if (key == "jobs" && may_have_jobs) {
      read_jobs(reader);
      seen.push_back(key);
    } else if (key == "jobs") {
      errors_.add(reader.last_position(), "\"jobs\" has no place here: each line is a job");
      skip_json_value(reader);
    } else if (read_file_setting(key, reader, errors_, file_.settings_, file_.defaults_)) {
      seen.push_back(key);
    }
  }
  require_keys(seen, start, may_have_jobs);
}

void JobFileReader::require_keys(const std::vector<std::string>& seen, size_t position, bool jobs) {
  for (const char* needed : {"genvid", "jobs"}) {
    const bool there = std::find(seen.begin(), seen.end(), needed) != seen.end();
    if (!there && (jobs || needed[0] == 'g')) {
      errors_.add(position, std::string("\"") + needed + "\" is missing" +
                                (needed[0] == 'g' ? "; write \"genvid\": 1" : ""));
    }
  }
}

void JobFileReader::read_json() {
  try {
    JsonReader reader(file_.text_, "", kKind);
    read_top(reader, true);
    reader.finish();
  } catch (const Error& e) {
    complete_ = false;  // what follows is not known
    errors_.add_syntax(file_.text_, e);
  }
}

template <class F>
void JobFileReader::for_each_line(F&& use) {
  const std::string_view text = file_.text_;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = trimmed_line(text.substr(at, end - at));
    base_ = at;
    if (!line.empty()) {
      base_ = static_cast<size_t>(line.data() - text.data());
      errors_.set_base(base_);
      use(line);
    }
    at = end + 1;
  }
  errors_.set_base(base_ = 0);
}

static bool is_settings(std::string_view line) {
  JsonReader reader(line, "", kKind);
  std::string key;
  if (reader.peek() != JsonReader::Type::kObject) return false;
  reader.begin_object();
  return reader.next_key(key) && (key == "genvid" || key == "$schema");
}

void JobFileReader::read_lines() {
  bool first = true;
  for_each_line([&](std::string_view line) {
    try {
      JsonReader reader(line, "", kKind);
      if (first && is_settings(line)) {
        read_top(reader, false);
      } else {
        read_job(reader);
      }
      reader.finish();
    } catch (const Error& e) {
      errors_.add_syntax(line, e);
    }
    first = false;
  });
}

void JobFileReader::read_text() {
  for_each_line([this](std::string_view line) {
    if (line.front() != '#') read_prompt_line(line);
  });
}

void JobFileReader::read_prompt_line(std::string_view line) {
  for (size_t at = 0; at < line.size();) {
    const size_t bytes = utf8_sequence(line.substr(at));
    if (bytes == 0) return errors_.add(at, "invalid UTF-8");
    at += bytes;
  }
  if (line.size() > limits::kPromptBytes || line.find('\0') != std::string_view::npos) {
    return errors_.add(0, "the prompt is too long or holds a zero byte");
  }
  job_.clear();
  JobValue value;
  value.text = std::string(line);
  job_.params.seen = 1;
  job_.params.values.emplace_back(find_job_param("prompt"), std::move(value));
  add_job(base_);
}

void JobFileReader::check_prompts() {
  if (file_.defaults_.seen & 1) return;
  for (const size_t position : no_prompt_) {
    errors_.add(position, "the job has no \"prompt\", and \"defaults\" gives none");
  }
}

void JobFileReader::sort_ids() {
  file_.ids_.clear();
  file_.ids_.reserve(file_.jobs_.size());
  for (size_t i = 0; i < file_.jobs_.size(); ++i) {
    file_.ids_.emplace_back(plain_hash(file_.jobs_[i].id), static_cast<uint32_t>(i));
  }
  std::sort(file_.ids_.begin(), file_.ids_.end());
}

// Automatic ids that meet are numbered in the order of the file; given ones may not meet.
void JobFileReader::index_ids() {
  sort_ids();
  std::vector<bool> automatic(file_.jobs_.size());
  for (const size_t job : automatic_) automatic[job] = true;
  bool renamed = false;
  for (size_t i = 0; i < file_.ids_.size();) {
    size_t end = i + 1;
    while (end < file_.ids_.size() && file_.ids_[end].first == file_.ids_[i].first) ++end;
    const size_t first = file_.ids_[i].second;
    for (size_t k = i + 1; k < end; ++k) {
      JobEntry& job = file_.jobs_[file_.ids_[k].second];
      if (job.id != file_.jobs_[first].id) continue;  // only the hashes meet
      if (automatic[file_.ids_[k].second]) {
        job.id += "-" + std::to_string(k - i + 1);
        renamed = true;
      } else {
        note_duplicate(first, job);
      }
    }
    i = end;
  }
  if (renamed) sort_ids();
}

void JobFileReader::note_duplicate(size_t first, const JobEntry& job) {
  std::string where;  // a search for the line costs a pass
  if (errors_.count() < 50) where = ", first on line " + std::to_string(file_.line_of(first));
  errors_.add(job.position, "the id " + shown(job.id) + " is used twice" + where);
}

void JobFileReader::resolve_after() {
  for (const After& link : after_) {
    const auto other = file_.find(link.id);
    if (other && *other != link.job) {
      file_.after_[link.job].push_back(*other);
      continue;
    }
    std::vector<std::string_view> ids;
    if (errors_.count() < 50) {
      for (size_t i = 0; i < file_.jobs_.size() && i < 10'000; ++i)
        ids.push_back(file_.jobs_[i].id);
    }
    errors_.add(link.position, other ? "a job cannot come \"after\" itself"
                                     : "\"after\" names " + shown(link.id) +
                                           ", which is no job's id" + did_you_mean(link.id, ids));
  }
  find_cycle();
}

// Kahn's order over the jobs that have an "after"; what is left waits for itself.
void JobFileReader::find_cycle() {
  std::map<size_t, size_t> open;
  std::map<size_t, std::vector<size_t>> next;
  std::vector<size_t> ready;
  for (const auto& [job, others] : file_.after_) {
    for (const size_t other : others) {
      if (!file_.after_.contains(other)) continue;
      ++open[job];
      next[other].push_back(job);
    }
    if (open[job] == 0) ready.push_back(job);
  }
  size_t done = 0;
  while (!ready.empty()) {
    const size_t job = ready.back();
    ready.pop_back();
    ++done;
    for (const size_t waiting : next[job]) {
      if (--open[waiting] == 0) ready.push_back(waiting);
    }
  }
  if (done == file_.after_.size()) return;
  for (const auto& [job, count] : open) {
    if (count == 0) continue;
    errors_.add(file_.jobs_[job].position,
                "the job " + shown(file_.jobs_[job].id) + " waits for itself through \"after\"");
  }
}

}  // namespace genvid
