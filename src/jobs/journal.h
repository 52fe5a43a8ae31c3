// What a batch did: an append-only file of JSON lines, one when an attempt starts and one when it
// ends, each with a CRC32C and on disk before the next step. A line that a crash cut short, or that
// was damaged, is as if it were not there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "jobs/job_key.h"

namespace genvid {

struct JournalEntry {
  std::string id;
  std::string status;  // "started", "done" or "failed"
  JobKeys keys;
  std::string path;
  int attempt = 1;
  // done
  uint64_t bytes = 0;
  int64_t mtime_ns = 0;
  std::string sha256;
  int64_t frames = 0;
  double seconds = 0;
  uint64_t peak_device_bytes = 0;
  bool kept_latents = false;  // on request
  std::string memory_rung;    // what was done when memory ran out
  std::string note;           // "copy of ID", "made again in fp32"
  // failed
  int code = 0;
  std::string error;
};

std::string journal_line(const JournalEntry& entry);  // with time, CRC and '\n'
// False when the line (without '\n') is not whole.
bool parse_journal_line(std::string_view line, JournalEntry& entry);

// The last word on each clip, from any number of journals.
class JournalView {
 public:
  // A missing file is an empty one. Throws Error(kOutput) when it cannot be read.
  void read(const std::filesystem::path& path);
  void add(const JournalEntry& entry);

  // The last end of an attempt of id; nullptr when there is none.
  const JournalEntry* last(const std::string& id) const;
  // This batch has written, or begun to write, path.
  bool made(const std::string& path) const;
  size_t damaged_lines() const { return damaged_; }

  // Both keys match and the file is there as it was left.
  static bool is_complete(const JournalEntry& entry, const JobKeys& keys, const std::string& path);

 private:
  std::map<std::string, JournalEntry, std::less<>> last_;
  std::map<std::string, bool, std::less<>> paths_;
  size_t damaged_ = 0;
};

class Journal {
 public:
  // Creates it. Throws Error(kOutput).
  explicit Journal(const std::filesystem::path& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  void append(const JournalEntry& entry);  // on disk when it returns

 private:
  [[noreturn]] void fail(const char* action, int error) const;
  std::filesystem::path path_;
  int fd_ = -1;
};

// One process at a time: flock on a file that holds the PID. Throws Error(kBusy) naming it.
class BatchLock {
 public:
  explicit BatchLock(const std::filesystem::path& path);
  ~BatchLock();
  BatchLock(const BatchLock&) = delete;
  BatchLock& operator=(const BatchLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace genvid
