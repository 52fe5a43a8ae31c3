// Leases on clips in a folder that processes share, on one machine or several: who creates ID.claim
// makes the clip, and keeps the file's time fresh while it does. A lease that went stale is taken
// over by exactly one other. ID.done says that the clip with these keys is made.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "jobs/job_key.h"

namespace genvid {

class ClaimFolder {
 public:
  enum class Answer { kMine, kDone, kBusy };

  // Creates the folder. Throws Error(kOutput).
  ClaimFolder(std::filesystem::path dir, std::chrono::milliseconds lease);
  ~ClaimFolder();  // gives up what is held
  ClaimFolder(const ClaimFolder&) = delete;
  ClaimFolder& operator=(const ClaimFolder&) = delete;

  // One at a time. kMine is held until done() or release().
  Answer claim(const std::string& id, const JobKeys& keys);
  void done();
  void release();

 private:
  bool create_claim(const std::string& id);
  bool take_over(const std::string& id);
  bool is_stale(const std::filesystem::path& claim, int leases = 1);
  bool is_done(const std::string& id, const JobKeys& keys) const;
  void beat();

  std::filesystem::path dir_;
  std::chrono::milliseconds lease_;
  std::string owner_;  // host, PID, and a number that is never used twice
  std::string held_;   // id
  JobKeys held_keys_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  std::thread heart_;
};

}  // namespace genvid
