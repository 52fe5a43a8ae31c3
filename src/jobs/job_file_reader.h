// Fills a JobFile from its text, in one pass, then checks what concerns several jobs.
#pragma once

#include <string_view>

#include "jobs/job_file.h"

namespace genvid {

class JobFileReader {
 public:
  explicit JobFileReader(JobFile& file) : file_(file) {}
  // Throws Error(kUsage) with all that is wrong.
  void run();

 private:
  struct After {
    size_t job;
    size_t position;
    std::string id;
  };

  void add_job(size_t position);
  void read_job(JsonReader& reader);
  void read_jobs(JsonReader& reader);
  void read_top(JsonReader& reader, bool may_have_jobs);
  void require_keys(const std::vector<std::string>& seen, size_t position, bool jobs);
  void read_json();
  void read_lines();
  void read_text();
  void read_prompt_line(std::string_view line);
  void check_prompts();
  void sort_ids();
  void index_ids();
  void note_duplicate(size_t first, const JobEntry& job);
  void resolve_after();
  void find_cycle();
  // use(line) for each line that is not blank, with base_ at its start.
  template <class F>
  void for_each_line(F&& use);

  JobFile& file_;
  JobFileErrors errors_;
  JobFields job_;
  std::vector<size_t> automatic_;
  std::vector<size_t> no_prompt_;
  std::vector<After> after_;
  size_t base_ = 0;
  bool complete_ = true;
  bool too_many_ = false;
};

std::string_view trimmed_line(std::string_view line);

}  // namespace genvid
