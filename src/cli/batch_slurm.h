// genvid batch --emit slurm: a script for sbatch that makes a job file as an array.
#pragma once

#include <string>
#include <vector>

namespace genvid::cli {

struct SlurmOptions {
  std::string program;             // absolute path of genvid
  std::vector<std::string> words;  // its arguments, without --emit
  std::string name;                // of the job
  size_t tasks = 1;
  bool gpu = true;
};

std::string slurm_script(const SlurmOptions& options);

// In single quotes for a shell.
std::string shell_word(const std::string& text);

}  // namespace genvid::cli
