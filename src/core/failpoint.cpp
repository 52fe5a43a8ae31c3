#include "core/failpoint.h"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "core/log.h"
#include "genvid/error.h"

namespace genvid {
namespace {

[[noreturn]] void refuse(std::string_view entry) {
  throw Error(ErrorKind::kUsage, "GENVID_FAIL: cannot read \"" + log::printable(entry) +
                                     "\", expected name:action, name:action@n or name:action@n+");
}

}  // namespace

FailPlan::FailPlan(std::string_view text) {
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(';'));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    if (item.empty()) continue;
    const size_t colon = item.find(':');
    if (colon == std::string_view::npos || colon == 0) refuse(item);
    const std::string_view rest = item.substr(colon + 1);
    const size_t at = rest.find('@');
    Entry entry;
    entry.name = item.substr(0, colon);
    entry.action = rest.substr(0, at);
    if (entry.action.empty()) refuse(item);
    if (at != std::string_view::npos) {
      std::string_view count = rest.substr(at + 1);
      const bool onwards = count.ends_with('+');
      if (onwards) count.remove_suffix(1);
      const auto [end, error] =
          std::from_chars(count.data(), count.data() + count.size(), entry.first);
      if (error != std::errc() || end != count.data() + count.size() || entry.first == 0) {
        refuse(item);
      }
      if (!onwards) entry.last = entry.first;
    }
    entries_.push_back(std::move(entry));
  }
}

std::string FailPlan::hit(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::string due;
  for (Entry& entry : entries_) {
    if (entry.name != name) continue;
    ++entry.hits;
    if (due.empty() && entry.hits >= entry.first && entry.hits <= entry.last) due = entry.action;
  }
  return due;
}

#ifdef GENVID_FAILPOINTS
namespace {

// The number behind a word such as exit139; -1 when action is not that word and a number.
int number_after(std::string_view action, std::string_view word) {
  if (!action.starts_with(word)) return -1;
  action.remove_prefix(word.size());
  int value = -1;
  const auto [end, error] = std::from_chars(action.data(), action.data() + action.size(), value);
  return error == std::errc() && end == action.data() + action.size() ? value : -1;
}

}  // namespace

std::string failpoint(std::string_view name) {
  static FailPlan* plan = [] {
    const char* text = std::getenv("GENVID_FAIL");
    return new FailPlan(text == nullptr ? "" : text);
  }();
  const std::string action = plan->hit(name);
  if (action.empty()) return action;
  if (action == "kill") ::raise(SIGKILL);
  if (const int code = number_after(action, "exit"); code >= 0) ::_exit(code);
  if (const int seconds = number_after(action, "sleep"); seconds >= 0) {
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    return "";
  }
  if (const int kind = number_after(action, "throw"); kind >= 0) {
    throw Error(static_cast<ErrorKind>(kind), "failpoint " + std::string(name));
  }
  return action;
}
#endif

}  // namespace genvid
