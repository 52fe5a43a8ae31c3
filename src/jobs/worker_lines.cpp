#include "jobs/worker_lines.h"

#include <unistd.h>

#include <cerrno>

#include "core/request_json.h"

namespace genvid {

Json task_json(const ClipTask& task) {
  const KeepSpec& keep = task.keep;
  Json ahead = Json::array();
  for (const Request& request : task.ahead()) ahead.push_back(request_to_json(request));
  return {{"ahead", ahead},
          {"request", request_to_json(task.request)},
          {"keep",
           {{"prefix", keep.prefix},
            {"key", keep.key},
            {"steps", keep.checkpoint_steps},
            {"seconds", keep.checkpoint_seconds}}}};
}

ClipTask task_from_json(const Json& json) {
  constexpr char kWhat[] = "a task";
  if (!json.is_object() || !json.contains("request") || !json.contains("keep")) {
    throw Error(ErrorKind::kUsage, "a task needs request and keep");
  }
  ClipTask task;
  task.request = request_from_json(json["request"], kWhat, ErrorKind::kUsage);
  const JsonObject keep(json["keep"], kWhat, ErrorKind::kUsage);
  task.keep.prefix = keep.string("prefix", "");
  task.keep.key = keep.string("key", "");
  task.keep.checkpoint_steps = static_cast<int>(keep.integer("steps", 0, 0, 1'000'000));
  task.keep.checkpoint_seconds = keep.number("seconds", 0, 0, 1e9);
  std::vector<Request> ahead;
  if (json.contains("ahead") && json["ahead"].is_array()) {
    for (const Json& next : json["ahead"]) {
      ahead.push_back(request_from_json(next, kWhat, ErrorKind::kUsage));
    }
  }
  task.ahead = [ahead] { return ahead; };
  return task;
}

Json outcome_json(const ClipOutcome& o) {
  return {{"done", o.end == ClipOutcome::End::kDone},
          {"code", o.code},
          {"error", o.error},
          {"bytes", o.bytes},
          {"mtime_ns", o.mtime_ns},
          {"sha256", o.sha256},
          {"frames", o.frames},
          {"seconds", o.seconds},
          {"peak_device_bytes", o.peak_device_bytes},
          {"memory", o.memory_rung},
          {"note", o.note}};
}

ClipOutcome outcome_from_json(const Json& json) {
  const JsonObject object(json, "a worker's outcome", ErrorKind::kUsage);
  ClipOutcome o;
  o.end = object.boolean("done", false) ? ClipOutcome::End::kDone : ClipOutcome::End::kFailed;
  o.code = static_cast<int>(object.integer("code", 0, 0, 1'000));
  o.error = object.string("error", "");
  o.bytes = static_cast<uint64_t>(object.integer("bytes", 0, 0, INT64_MAX));
  o.mtime_ns = object.integer("mtime_ns", 0, INT64_MIN, INT64_MAX);
  o.sha256 = object.string("sha256", "");
  o.frames = object.integer("frames", 0, 0, INT64_MAX);
  o.seconds = object.number("seconds", 0, 0, 1e18);
  o.peak_device_bytes = static_cast<uint64_t>(object.integer("peak_device_bytes", 0, 0, INT64_MAX));
  o.memory_rung = object.string("memory", "");
  o.note = object.string("note", "");
  return o;
}

bool write_line(int fd, const Json& json) {
  const std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const char* from = line.data();
  for (size_t left = line.size(); left > 0;) {
    const ssize_t written = ::write(fd, from, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    from += written;
    left -= static_cast<size_t>(written);
  }
  return true;
}

bool LineReader::read(int fd, std::vector<std::string>& lines) {
  char bytes[1 << 14];
  ssize_t got = 0;
  do {
    got = ::read(fd, bytes, sizeof(bytes));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(got));
  size_t start = 0;
  for (size_t end; (end = buffer_.find('\n', start)) != std::string::npos; start = end + 1) {
    lines.push_back(buffer_.substr(start, end - start));
  }
  buffer_.erase(0, start);
  return true;
}

}  // namespace genvid
