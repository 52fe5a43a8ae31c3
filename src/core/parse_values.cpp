#include "core/parse_values.h"

#include <charconv>
#include <cmath>
#include <numeric>

namespace genvid {
namespace {

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

constexpr int64_t kMaxRate = 1'000'000;

std::optional<Rational> reduced(int64_t num, int64_t den) {
  if (num <= 0 || den <= 0 || num / den >= kMaxRate) return std::nullopt;
  const int64_t common = std::gcd(num, den);
  return Rational{num / common, den / common};
}

}  // namespace

std::optional<int64_t> parse_integer(std::string_view text) { return parse_whole<int64_t>(text); }
std::optional<uint64_t> parse_unsigned(std::string_view text) {
  return parse_whole<uint64_t>(text);
}

std::optional<double> parse_number(std::string_view text) {
  const auto value = parse_whole<double>(text);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return value;
}

std::optional<Size> parse_size(std::string_view text) {
  const size_t cross = text.find('x');
  if (cross == std::string_view::npos) return std::nullopt;
  const auto width = parse_whole<int>(text.substr(0, cross));
  const auto height = parse_whole<int>(text.substr(cross + 1));
  if (!width || !height || *width < 1 || *height < 1) return std::nullopt;
  return Size{*width, *height};
}

std::optional<Rational> rate_of(double fps) {
  if (!(fps > 0) || fps >= static_cast<double>(kMaxRate)) return std::nullopt;
  const double whole = std::round(fps);
  if (whole == fps) return reduced(static_cast<int64_t>(whole), 1);
  // The NTSC rates as people write them: 23.976, 23.98, 29.97, 59.94, 119.88.
  for (const int64_t ntsc : {24, 30, 48, 60, 120, 240}) {
    if (std::abs(fps - static_cast<double>(ntsc) * 1000.0 / 1001.0) < 0.005) {
      return reduced(ntsc * 1000, 1001);
    }
  }
  return reduced(static_cast<int64_t>(std::llround(fps * 1000.0)), 1000);
}

std::optional<Rational> parse_rate(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    const auto fps = parse_number(text);
    return fps ? rate_of(*fps) : std::nullopt;
  }
  const auto num = parse_integer(text.substr(0, slash));
  const auto den = parse_integer(text.substr(slash + 1));
  if (!num || !den) return std::nullopt;
  return reduced(*num, *den);
}

std::string to_text(const Size& size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

std::string to_text(const Rational& rate) {
  const std::string num = std::to_string(rate.num);
  return rate.den == 1 ? num : num + "/" + std::to_string(rate.den);
}

}  // namespace genvid
