#include "media/image_pattern.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <system_error>

#include "genvid/error.h"
#include "media/quote.h"

namespace genvid::media {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void throw_bad_pattern(const std::string& path, const std::string& why) {
  throw Error(ErrorKind::kUsage, quote(path) + " " + why +
                                     "; write one number as %05d and a percent sign as %%, for "
                                     "example frame_%05d.png");
}

// Reads "05d" at `at` (after the '%') and returns the position after it.
size_t read_number(const std::string& path, const std::string& file, size_t at, int& digits) {
  size_t end = at;
  while (end < file.size() && is_digit(file[end])) ++end;
  if (end >= file.size() || file[end] != 'd') {
    throw_bad_pattern(path, "has a '%' that starts no number");
  }
  if (end - at > 2 || (end > at && file[at] != '0')) {
    throw_bad_pattern(path, "has a number that is not %d or %01d..%09d");
  }
  digits = end > at ? std::stoi(file.substr(at, end - at)) : 0;
  if (digits > 9) throw_bad_pattern(path, "has a number that is not %d or %01d..%09d");
  return end + 1;
}

}  // namespace

std::string ImagePattern::name(int64_t number) const {
  std::string text = std::to_string(number);
  size_t width = static_cast<size_t>(digits);
  if (text.size() < width) text.insert(0, width - text.size(), '0');
  return before + text + after;
}

std::vector<std::string> ImagePattern::existing() const {
  std::vector<std::string> names;
  std::error_code ignored;  // a folder that cannot be read fails later, when it is written to
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    std::string name = entry.path().filename().string();
    if (name.size() <= before.size() + after.size()) continue;
    if (name.rfind(before, 0) != 0) continue;
    if (name.compare(name.size() - after.size(), after.size(), after) != 0) continue;
    auto begin = name.begin() + static_cast<ptrdiff_t>(before.size());
    auto end = name.end() - static_cast<ptrdiff_t>(after.size());
    if (std::all_of(begin, end, is_digit)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

ImagePattern parse_image_pattern(const std::string& path) {
  ImagePattern pattern;
  size_t slash = path.find_last_of('/');
  std::string file = slash == std::string::npos ? path : path.substr(slash + 1);
  pattern.folder = slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
  bool found = false;
  for (size_t i = 0; i < file.size();) {
    std::string& part = found ? pattern.after : pattern.before;
    if (file[i] != '%') {
      part += file[i++];
    } else if (i + 1 < file.size() && file[i + 1] == '%') {
      part += '%';
      i += 2;
    } else if (found) {
      throw_bad_pattern(path, "has more than one number");
    } else {
      i = read_number(path, file, i + 1, pattern.digits);
      found = true;
    }
  }
  if (!found) throw_bad_pattern(path, "names one picture, and a clip has many");
  return pattern;
}

}  // namespace genvid::media
