#include "jobs/claim.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "core/atomic_file.h"
#include "core/log.h"
#include "jobs/job_file.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& action, const fs::path& path, int error) {
  throw Error(ErrorKind::kOutput, "cannot " + action + " " + log::printable(path.string()) + ": " +
                                      std::generic_category().message(error));
}

std::string new_owner() {
  char host[256] = {};
  ::gethostname(host, sizeof(host) - 1);
  unsigned long long number = 0;
  if (::getrandom(&number, sizeof(number), 0) != sizeof(number)) {
    number = static_cast<unsigned long long>(::getpid());
  }
  char text[320];
  std::snprintf(text, sizeof(text), "%s %d %016llx", host, static_cast<int>(::getpid()), number);
  return text;
}

std::string read_all(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Seconds since the last write, both ends by the clock of the file system.
double age_of(const fs::path& path, const fs::path& clock) {
  struct stat then {};
  struct stat now {};
  if (::stat(path.c_str(), &then) != 0 || ::stat(clock.c_str(), &now) != 0) return 0;
  const auto seconds = [](const struct stat& s) {
    return static_cast<double>(s.st_mtim.tv_sec) + 1e-9 * static_cast<double>(s.st_mtim.tv_nsec);
  };
  return seconds(now) - seconds(then);
}

// O_EXCL: false when it is there already.
bool create_new(const fs::path& path, const std::string& text) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST) return false;
  if (fd < 0) fail("create", path, errno);
  const ssize_t written = ::write(fd, text.data(), text.size());
  const int error = errno;
  ::close(fd);
  if (written == static_cast<ssize_t>(text.size())) return true;
  ::unlink(path.c_str());
  fail("write", path, written < 0 ? error : EIO);
}

}  // namespace

ClaimFolder::ClaimFolder(fs::path dir, std::chrono::milliseconds lease)
    : dir_(std::move(dir)), lease_(lease), owner_(new_owner()) {
  std::error_code error;
  fs::create_directories(dir_, error);
  if (error) fail("create", dir_, error.value());
  heart_ = std::thread([this] { beat(); });
}

ClaimFolder::~ClaimFolder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  heart_.join();
  release();
}

ClaimFolder::Answer ClaimFolder::claim(const std::string& id, const JobKeys& keys) {
  if (is_done(id, keys)) return Answer::kDone;
  if (!create_claim(id) && !take_over(id)) return Answer::kBusy;
  {
    const std::lock_guard lock(mutex_);
    held_ = id;
    held_keys_ = keys;
  }
  // Somebody may have finished between the first look and the claim.
  if (!is_done(id, keys)) return Answer::kMine;
  release();
  return Answer::kDone;
}

bool ClaimFolder::create_claim(const std::string& id) {
  return create_new(dir_ / (id + ".claim"), owner_);
}

bool ClaimFolder::is_stale(const fs::path& claim, int leases) {
  const fs::path clock = dir_ / (".clock." + std::to_string(plain_hash(owner_)));
  std::ofstream(clock) << "x";  // its time is the file system's now
  const double age = age_of(claim, clock);
  ::unlink(clock.c_str());
  return age > leases * std::chrono::duration<double>(lease_).count();
}

// A generation of a claim is its owner's text. Of all who find one stale, only the one who creates
// its takeover file may replace it; the file stays, so that a slow finder comes too late for good.
bool ClaimFolder::take_over(const std::string& id) {
  const fs::path claim = dir_ / (id + ".claim");
  const std::string owner = read_all(claim);
  if (!is_stale(claim)) return false;
  char hash[20];
  std::snprintf(hash, sizeof(hash), "%016llx", static_cast<unsigned long long>(plain_hash(owner)));
  const fs::path taken = dir_ / ("." + id + ".taken." + hash);
  if (!create_new(taken, owner_)) {
    // Unless who took it over died at once; by then no finder of its time is still on its way.
    if (is_stale(taken, 10)) ::unlink(taken.c_str());
    return false;
  }
  if (read_all(claim) != owner || !is_stale(claim)) return false;  // it came back to life
  const fs::path mine = dir_ / ("." + id + ".new." + hash);
  if (!create_new(mine, owner_)) return false;
  if (::rename(mine.c_str(), claim.c_str()) != 0) fail("replace", claim, errno);
  log::warn("took over " + id + " from " + owner + ", which had stopped");
  return true;
}

bool ClaimFolder::is_done(const std::string& id, const JobKeys& keys) const {
  return read_all(dir_ / (id + ".done")) == keys.file;
}

void ClaimFolder::done() {
  std::string id;
  JobKeys keys;
  {
    const std::lock_guard lock(mutex_);
    id = held_;
    keys = held_keys_;
  }
  if (id.empty()) return;
  AtomicFile file(dir_ / (id + ".done"), true);
  file.write_all(keys.file.data(), keys.file.size());
  file.commit();
  release();
}

void ClaimFolder::release() {
  const std::lock_guard lock(mutex_);
  if (held_.empty()) return;
  const fs::path claim = dir_ / (held_ + ".claim");
  if (read_all(claim) == owner_) ::unlink(claim.c_str());
  held_.clear();
}

void ClaimFolder::beat() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    stop_.wait_for(lock, lease_ / 4);
    if (stopping_ || held_.empty()) continue;
    const fs::path claim = dir_ / (held_ + ".claim");
    if (read_all(claim) == owner_) ::utimensat(AT_FDCWD, claim.c_str(), nullptr, 0);
  }
}

}  // namespace genvid
