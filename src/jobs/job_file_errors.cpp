#include "jobs/job_file_errors.h"

#include <algorithm>
#include <charconv>

#include "core/log.h"

namespace genvid {
namespace {

constexpr size_t kMostKept = 1'000;
constexpr size_t kMostShown = 50;

// The byte that line and column name.
size_t position_of(std::string_view text, TextPlace place) {
  size_t at = 0;
  for (size_t line = 1; line < place.line; ++line) {
    const size_t end = text.find('\n', at);
    if (end == std::string_view::npos) return text.size();
    at = end + 1;
  }
  return std::min(text.size(), at + place.column - 1);
}

}  // namespace

TextPlace place_of(std::string_view text, size_t position) {
  const std::string_view before = text.substr(0, std::min(position, text.size()));
  const size_t start = before.rfind('\n');
  return {1 + static_cast<size_t>(std::count(before.begin(), before.end(), '\n')),
          before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1};
}

void JobFileErrors::add(size_t position, std::string message) {
  ++count_;
  if (items_.size() < kMostKept) items_.push_back({base_ + position, std::move(message)});
}

void JobFileErrors::add_syntax(std::string_view text, const Error& error) {
  // The reader's message is ":LINE:COLUMN: what is wrong".
  const std::string_view message = error.what();
  const char* end = message.data() + message.size();
  TextPlace place;
  const char* at = message.data() + 1;
  const auto line = std::from_chars(at, end, place.line);
  const auto column = std::from_chars(std::min(line.ptr + 1, end), end, place.column);
  if (!message.starts_with(':') || line.ec != std::errc() || column.ec != std::errc() ||
      end - column.ptr < 2) {
    throw error;  // not the reader's
  }
  add(position_of(text, place), std::string(column.ptr + 2, end));
}

void JobFileErrors::raise(std::string_view text, std::string_view name) const {
  std::vector<Item> sorted = items_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Item& a, const Item& b) { return a.position < b.position; });
  std::string all;
  for (size_t i = 0; i < sorted.size() && i < kMostShown; ++i) {
    const TextPlace place = place_of(text, sorted[i].position);
    if (i > 0) all += '\n';
    all += log::printable(name) + ":" + std::to_string(place.line) + ":" +
           std::to_string(place.column) + ": " + sorted[i].message;
  }
  if (count_ > kMostShown) all += "\nand " + std::to_string(count_ - kMostShown) + " more errors";
  throw Error(ErrorKind::kUsage, all);
}

}  // namespace genvid
