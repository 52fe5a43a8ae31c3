#include "jobs/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <system_error>

#include "core/crc32c.h"
#include "core/input_file.h"
#include "core/log.h"
#include "media/sha256.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCrcKey = ",\"crc32c\":\"";
constexpr size_t kCrcBytes = kCrcKey.size() + 8 + 2;  // key, digits, "}

std::string hex8(uint32_t value) {
  char text[12];
  std::snprintf(text, sizeof(text), "%08x", value);
  return text;
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string shown(const fs::path& path) { return log::printable(path.string()); }

int open_retrying(const char* path, int flags, int mode = 0) {
  while (true) {
    const int fd = ::open(path, flags | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EINTR) return fd;
  }
}

int64_t mtime_of(const struct stat& info) {
  return int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
}

}  // namespace

std::string journal_line(const JournalEntry& e) {
  Json json = {{"id", e.id},       {"status", e.status},  {"key", e.keys.pixels},
               {"path", e.path},   {"file", e.keys.file}, {"attempt", e.attempt},
               {"time", utc_now()}};
  if (e.status == "done") {
    json["bytes"] = e.bytes;
    json["mtime_ns"] = e.mtime_ns;
    json["sha256"] = e.sha256;
    json["frames"] = e.frames;
    json["seconds"] = e.seconds;
    if (!e.memory_rung.empty()) json["memory"] = e.memory_rung;
    if (e.kept_latents) json["latents"] = "kept";
    if (e.peak_device_bytes > 0) json["peak_device_bytes"] = e.peak_device_bytes;
  }
  if (e.status == "failed") json["error"] = {{"code", e.code}, {"message", e.error}};
  if (!e.note.empty()) json["note"] = e.note;
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  line.pop_back();  // '}'
  const std::string crc = hex8(crc32c(line));
  return line + std::string(kCrcKey) + crc + "\"}\n";
}

bool parse_journal_line(std::string_view line, JournalEntry& e) {
  if (line.size() <= kCrcBytes) return false;
  const std::string_view body = line.substr(0, line.size() - kCrcBytes);
  const std::string_view tail = line.substr(body.size());
  if (!tail.starts_with(kCrcKey) || !tail.ends_with("\"}")) return false;
  if (tail.substr(kCrcKey.size(), 8) != hex8(crc32c(body))) return false;
  try {
    const Json json = parse_json(line, "journal", ErrorKind::kOutput);
    const JsonObject object(json, "journal", ErrorKind::kOutput);
    e = {};
    e.id = object.string("id", "");
    e.status = object.string("status", "");
    e.keys = {object.string("key", ""), object.string("file", "")};
    e.path = object.string("path", "");
    e.attempt = static_cast<int>(object.integer("attempt", 1, 0, 1'000'000));
    e.bytes = static_cast<uint64_t>(object.integer("bytes", 0, 0, INT64_MAX));
    e.mtime_ns = object.integer("mtime_ns", 0, INT64_MIN, INT64_MAX);
    e.sha256 = object.string("sha256", "");
    e.frames = object.integer("frames", 0, 0, INT64_MAX);
    e.seconds = object.number("seconds", 0, 0, 1e18);
    e.kept_latents = object.string("latents", "") == "kept";
    e.note = object.string("note", "");
    if (json.contains("error")) {
      const JsonObject error(json["error"], "journal", ErrorKind::kOutput);
      e.code = static_cast<int>(error.integer("code", 0, 0, 1'000));
      e.error = error.string("message", "");
    }
    return !e.id.empty();
  } catch (const Error&) {
    return false;  // a newer genvid's, perhaps
  }
}

void JournalView::read(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return;
  const std::string text = read_file(path, uint64_t{1} << 33, ErrorKind::kOutput);
  const std::string_view all = text;
  for (size_t at = 0; at < all.size();) {
    const size_t end = all.find('\n', at);
    if (end == std::string_view::npos) break;  // cut short
    const std::string_view line = all.substr(at, end - at);
    JournalEntry entry;
    if (parse_journal_line(line, entry)) {
      add(entry);
    } else if (!line.empty()) {
      ++damaged_;
    }
    at = end + 1;
  }
}

void JournalView::add(const JournalEntry& entry) {
  paths_[entry.path] = true;
  if (entry.status != "started") last_[entry.id] = entry;
}

const JournalEntry* JournalView::last(const std::string& id) const {
  const auto it = last_.find(id);
  return it == last_.end() ? nullptr : &it->second;
}

bool JournalView::made(const std::string& path) const { return paths_.contains(path); }

bool JournalView::is_complete(const JournalEntry& entry, const JobKeys& keys,
                              const std::string& path) {
  if (entry.status != "done" || !(entry.keys == keys) || entry.path != path) return false;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  if (static_cast<uint64_t>(info.st_size) != entry.bytes) return false;
  if (mtime_of(info) == entry.mtime_ns) return true;
  try {  // copied or touched: its content decides
    return media::sha256_file(path) == entry.sha256;
  } catch (const Error&) {
    return false;
  }
}

Journal::Journal(const fs::path& path) : path_(path) {
  fd_ = open_retrying(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0666);
  if (fd_ < 0) fail("open", errno);
  struct stat info {};
  if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) fail("open", EINVAL);
  char last = '\n';
  if (info.st_size > 0 && ::pread(fd_, &last, 1, info.st_size - 1) != 1) fail("read", errno);
  // What a crash cut short ends here, and its CRC does not fit.
  if (last != '\n' && ::write(fd_, "\n", 1) != 1) fail("write", errno);
  if (::fsync(fd_) != 0) fail("write", errno);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int dir = open_retrying(folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (dir < 0) fail("open the folder of", errno);
  const int error = ::fsync(dir) == 0 ? 0 : errno;
  ::close(dir);
  if (error != 0 && error != EINVAL && error != ENOTSUP) fail("write the folder of", error);
}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

void Journal::fail(const char* action, int error) const {
  throw Error(ErrorKind::kOutput, std::string("cannot ") + action + " the journal " + shown(path_) +
                                      ": " + std::generic_category().message(error));
}

void Journal::append(const JournalEntry& entry) {
  const std::string line = journal_line(entry);
  const char* from = line.data();
  for (size_t left = line.size(); left > 0;) {
    const ssize_t written = ::write(fd_, from, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write", written < 0 ? errno : EIO);
    from += written;
    left -= static_cast<size_t>(written);
  }
  while (::fdatasync(fd_) != 0) {
    if (errno != EINTR) fail("write", errno);
  }
}

BatchLock::BatchLock(const fs::path& path) {
  fd_ = open_retrying(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW, 0666);
  if (fd_ < 0) {
    throw Error(ErrorKind::kOutput,
                "cannot open " + shown(path) + ": " + std::generic_category().message(errno));
  }
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    char pid[32] = {};
    const ssize_t got = ::pread(fd_, pid, sizeof(pid) - 1, 0);
    ::close(fd_);
    const std::string holder = got > 0 ? log::printable(std::string(pid, strcspn(pid, "\n"))) : "?";
    throw Error(ErrorKind::kBusy, "process " + holder + " is at this batch already (lock " +
                                      shown(path) +
                                      "); wait for it, or share the work with --claim");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd_, 0) != 0 ||
      ::pwrite(fd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    log::debug("cannot write the PID into the lock");  // the lock holds all the same
  }
}

BatchLock::~BatchLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace genvid
