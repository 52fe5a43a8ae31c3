// From jobs to clips: sweeps and repeats are laid out, every clip gets an id of its own that does
// not change when other jobs or values are added, its seed, its file name and its Request.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "genvid/request.h"
#include "jobs/job_file.h"

namespace genvid {

struct ExpandedClip {
  size_t job = 0;
  uint32_t variant = 0;     // of the sweep
  uint32_t repetition = 0;  // from 0
  std::string id;
};

// Values that hold for every clip, over what the file says (--set), and where files go.
struct ExpandOptions {
  JobLayer overrides;
  std::string output_dir;  // empty = the file's, or the current folder
};

// "key=value" of --set. Throws Error(kUsage), with a suggestion for an unknown key.
void add_override(std::string_view text, JobLayer& overrides);

// All clips of enabled jobs in the order of the file. Throws Error(kUsage) when two have one id.
std::vector<ExpandedClip> expand_jobs(const JobFile& file);

// The clip as a request: output is set, and seed also where the file gives none (from the id, so
// that a second run makes the same clip).
Request clip_request(const JobFile& file, const ExpandedClip& clip, const ExpandOptions& options);

}  // namespace genvid
