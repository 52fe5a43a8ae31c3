#include "cli/batch_slurm.h"

#include <algorithm>

namespace genvid::cli {

std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string slurm_script(const SlurmOptions& o) {
  std::string name;
  for (const char c : o.name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain || c == '.' || c == '_' ? c : '-';
  }
  std::string command = shell_word(o.program) + " batch";
  for (const std::string& word : o.words) command += " " + shell_word(word);
  std::string text =
      "#!/bin/bash\n"
      "# Each task takes its part of the list from SLURM_ARRAY_TASK_ID. Two minutes before the "
      "time\n"
      "# limit Slurm sends USR1; genvid stops with 75 and the task is queued again, as it is after "
      "a\n"
      "# crash, three times at most.\n"
      "#SBATCH --job-name=genvid-" +
      name +
      "\n"
      "#SBATCH --array=0-" +
      std::to_string(std::max<size_t>(1, o.tasks) - 1) +
      "\n"
      "#SBATCH --requeue\n"
      "#SBATCH --signal=B:USR1@120\n"
      "#SBATCH --open-mode=append\n";
  if (o.gpu) text += "#SBATCH --gpus-per-task=1\n#SBATCH --ntasks=1\n";
  text +=
      "\n"
      "stopped= cancelled= again=\n"
      "trap 'stopped=1; kill -USR1 $! 2>/dev/null' USR1\n"
      "# Cancelled, or put back by Slurm itself: clips keep their state, nothing is queued here.\n"
      "trap 'stopped=1 cancelled=1; kill -TERM $! 2>/dev/null' TERM\n" +
      command +
      " &\n"
      "stopped=1\n"
      "while [ -n \"$stopped\" ]; do  # a signal ends wait early\n"
      "  stopped=\n"
      "  wait $!\n"
      "  code=$?\n"
      "done\n"
      "# 75: stopped, to go on. Above 128: killed by a signal; not for ever, it may happen again.\n"
      "restarts=${SLURM_RESTART_COUNT:-0}\n"
      "[ \"$code\" -gt 128 ] && [ \"$restarts\" -lt 3 ] && again=1\n"
      "if [ -z \"$cancelled\" ] && { [ \"$code\" = 75 ] || [ -n \"$again\" ]; }; then\n"
      "  scontrol requeue \"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}\"\n"
      "fi\n"
      "exit \"$code\"\n";
  return text;
}

}  // namespace genvid::cli
