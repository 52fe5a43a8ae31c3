#include "jobs/history.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <system_error>

#include "core/limits.h"
#include "core/log.h"
#include "genvid/error.h"
#include "media/sha256.h"

namespace genvid {
namespace {

namespace fs = std::filesystem;

class Fd {
 public:
  Fd(const fs::path& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode)) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool is_secret(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string read_secret(const fs::path& path) {
  const Fd file(path, O_RDONLY | O_NONBLOCK);
  char text[65];
  const ssize_t n = file ? ::read(file.get(), text, sizeof text) : 0;
  const std::string found(text, n == 65 && text[64] == '\n' ? 64 : 0);
  return is_secret(found) ? found : "";
}

std::string random_hex() {
  unsigned char bytes[32];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) return {};
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// Written aside and linked: another process sees none or the whole.
void make_secret(const fs::path& path) {
  const std::string secret = random_hex();
  if (secret.empty()) return;
  const fs::path aside = path.string() + "." + random_hex().substr(0, 12);
  {
    const Fd file(aside, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (!file) return;
    if (write_all(file.get(), secret + "\n") && ::fsync(file.get()) == 0 &&
        ::link(aside.c_str(), path.c_str()) != 0 && errno != EEXIST) {
      ::rename(aside.c_str(), path.c_str());  // a file system without hard links
      return;
    }
  }
  ::unlink(aside.c_str());
}

// 0700: the folder's names say when clips were made.
bool make_folder(const fs::path& folder) {
  std::error_code error;
  if (fs::is_directory(folder, error)) return true;
  fs::create_directories(folder.parent_path(), error);
  return ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST;
}

}  // namespace

fs::path user_data_dir() {
  const char* data = std::getenv("XDG_DATA_HOME");
  if (data != nullptr && data[0] == '/') return fs::path(data) / "genvid";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return fs::path(home) / ".local/share/genvid";
  return {};
}

std::string user_secret(const fs::path& folder) {
  if (folder.empty()) return {};
  const fs::path path = folder / "secret";
  std::string secret = read_secret(path);
  if (!secret.empty() || !make_folder(folder)) return secret;
  make_secret(path);
  return read_secret(path);
}

std::string text_hmac(std::string_view secret, std::string_view clip_id, std::string_view what,
                      std::string_view text) {
  std::string message = "genvid 1";
  for (const std::string_view part : {what, clip_id, text}) {
    message += '\0';
    message += part;
  }
  return media::hmac_sha256(secret, message);
}

std::string history_line(const HistoryEntry& e) {
  Json inputs = Json::object();
  for (const auto& [name, file] : e.inputs) {
    inputs[name] = {{"path", file.path}, {"sha256", file.sha256}};
  }
  Json json = {{"genvid_history", 1},  {"clip_id", e.clip_id},
               {"created", e.created}, {"output", e.output},
               {"prompt", e.prompt},   {"negative_prompt", e.negative_prompt},
               {"inputs", inputs},     {"record", e.record}};
  if (!e.prompt_at.empty()) json["prompt_at"] = e.prompt_at;
  // Paths may be no UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::optional<HistoryEntry> parse_history_line(std::string_view line) {
  if (line.size() > limits::kHistoryLineBytes) return std::nullopt;
  try {
    const Json json = parse_json(line, "history", ErrorKind::kUsage);
    const JsonObject object(json, "history", ErrorKind::kUsage);
    if (object.require_integer("genvid_history", 1, 1) != 1) return std::nullopt;
    HistoryEntry e;
    e.clip_id = object.string("clip_id", "");
    e.created = object.string("created", "");
    e.output = object.string("output", "");
    e.prompt = object.string("prompt", "");
    e.negative_prompt = object.string("negative_prompt", "");
    e.prompt_at = object.string("prompt_at", "");
    if (e.clip_id.empty() || !json.contains("record") || !json.at("record").is_object()) {
      return std::nullopt;
    }
    e.record = json.at("record");
    if (const auto inputs = json.find("inputs"); inputs != json.end()) {
      if (!inputs->is_object()) return std::nullopt;
      for (const auto& [name, file] : inputs->items()) {
        const JsonObject o(file, "history", ErrorKind::kUsage);
        e.inputs[name] = {o.string("path", ""), o.string("sha256", "")};
      }
    }
    return e;
  } catch (const Error&) {
    return std::nullopt;
  }
}

fs::path History::default_path() {
  const fs::path folder = user_data_dir();
  return folder.empty() ? folder : folder / "history.jsonl";
}

void History::append(const HistoryEntry& entry) const {
  const auto fail = [&](int code) {
    throw Error(ErrorKind::kOutput, "cannot write the history " + log::printable(file_.string()) +
                                        ": " + std::generic_category().message(code));
  };
  if (file_.empty()) {
    throw Error(ErrorKind::kOutput,
                "no place for the history: neither HOME nor XDG_DATA_HOME is set");
  }
  if (!make_folder(file_.parent_path())) fail(errno);
  const Fd file(file_, O_RDWR | O_CREAT | O_APPEND, 0600);
  if (!file) fail(errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail(errno);
  if (!S_ISREG(info.st_mode)) fail(EINVAL);
  char last = '\n';
  if (info.st_size > 0 && ::pread(file.get(), &last, 1, info.st_size - 1) != 1) fail(errno);
  // One write, so that lines of several processes do not mix; what a crash cut short ends first.
  const std::string line = (last == '\n' ? "" : "\n") + history_line(entry);
  if (!write_all(file.get(), line) || ::fsync(file.get()) != 0) fail(errno);
}

std::optional<HistoryEntry> History::find(std::string_view clip_id) const {
  std::optional<HistoryEntry> found;
  if (file_.empty() || clip_id.empty()) return found;
  std::error_code error;
  if (!fs::is_regular_file(file_, error)) return found;
  std::ifstream in(file_);
  std::string line;
  while (std::getline(in, line)) {
    // Most lines are others': parsing them all would take seconds.
    if (line.find(clip_id) == std::string::npos) continue;
    auto entry = parse_history_line(line);
    if (entry && std::string_view(entry->clip_id).starts_with(clip_id)) found = std::move(entry);
  }
  return found;
}

}  // namespace genvid
