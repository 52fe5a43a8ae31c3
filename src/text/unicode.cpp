#include "text/unicode.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

namespace genvid {
namespace {

struct Decomposition {
  char32_t composed, first, second;  // second = 0: a singleton
  bool composes;                     // not excluded from composition
};
struct CombiningRange {
  char32_t first, last;
  uint8_t combining_class;
};
struct Width {
  char32_t from;
  std::u32string_view to;
};

#include "text/unicode_tables.inc"

// Hangul syllables are composed by arithmetic (Unicode 3.12).
constexpr char32_t kS = 0xAC00, kL = 0x1100, kV = 0x1161, kT = 0x11A7;
constexpr char32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

uint8_t combining_class(char32_t c) {
  if (c < 0x300) return 0;
  const auto* range =
      std::lower_bound(std::begin(kCombining), std::end(kCombining), c,
                       [](const CombiningRange& r, char32_t v) { return r.last < v; });
  return range != std::end(kCombining) && range->first <= c ? range->combining_class : 0;
}

void decompose(char32_t c, std::u32string& out) {
  if (c < 0xC0) {
    out.push_back(c);
    return;
  }
  if (c - kS < kSCount) {
    const char32_t s = c - kS;
    out.push_back(kL + s / (kVCount * kTCount));
    out.push_back(kV + s % (kVCount * kTCount) / kTCount);
    if (s % kTCount) out.push_back(kT + s % kTCount);
    return;
  }
  const auto* d =
      std::lower_bound(std::begin(kDecompositions), std::end(kDecompositions), c,
                       [](const Decomposition& e, char32_t v) { return e.composed < v; });
  if (d == std::end(kDecompositions) || d->composed != c) {
    out.push_back(c);
    return;
  }
  decompose(d->first, out);
  if (d->second) decompose(d->second, out);
}

// 0 when the pair does not compose.
char32_t compose(char32_t a, char32_t b) {
  static const std::map<std::pair<char32_t, char32_t>, char32_t> pairs = [] {
    std::map<std::pair<char32_t, char32_t>, char32_t> m;
    for (const Decomposition& d : kDecompositions) {
      if (d.composes) m[{d.first, d.second}] = d.composed;
    }
    return m;
  }();
  if (a - kL < kLCount && b - kV < kVCount) {
    return kS + ((a - kL) * kVCount + (b - kV)) * kTCount;
  }
  const bool syllable_without_tail = a - kS < kSCount && (a - kS) % kTCount == 0;
  if (syllable_without_tail && b > kT && b - kT < kTCount) return a + (b - kT);
  const auto found = pairs.find({a, b});
  return found == pairs.end() ? 0 : found->second;
}

// Sorts each run of combining marks by class, keeping the order within a class.
void reorder_marks(std::u32string& text) {
  for (size_t i = 0; i < text.size();) {
    size_t end = i;
    while (end < text.size() && combining_class(text[end]) != 0) ++end;
    std::stable_sort(text.begin() + static_cast<std::ptrdiff_t>(i),
                     text.begin() + static_cast<std::ptrdiff_t>(end), [](char32_t a, char32_t b) {
                       return combining_class(a) < combining_class(b);
                     });
    i = end + 1;
  }
}

}  // namespace

std::u32string to_nfc(std::u32string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x300; })) {
    return std::u32string(text);
  }
  std::u32string decomposed;
  decomposed.reserve(text.size());
  for (const char32_t c : text) decompose(c, decomposed);
  reorder_marks(decomposed);

  std::u32string out;
  out.reserve(decomposed.size());
  size_t starter = std::u32string::npos;
  int last_class = -1;  // of the last character kept after the starter; -1 = none
  for (const char32_t c : decomposed) {
    const int klass = combining_class(c);
    if (starter != std::u32string::npos && last_class < klass) {
      if (const char32_t composed = compose(out[starter], c)) {
        out[starter] = composed;
        continue;
      }
    }
    if (klass == 0) {
      starter = out.size();
      last_class = -1;
    } else {
      last_class = klass;
    }
    out.push_back(c);
  }
  return out;
}

std::u32string to_usual_width(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    if (c == 0x3000) {
      out.push_back(U' ');
    } else if (c >= 0xFF01 && c <= 0xFF5E) {
      out.push_back(c - 0xFEE0);
    } else if (c >= 0xFF5F && c <= 0xFFEF) {
      const auto* w = std::lower_bound(std::begin(kWidths), std::end(kWidths), c,
                                       [](const Width& e, char32_t v) { return e.from < v; });
      if (w != std::end(kWidths) && w->from == c) {
        out += w->to;
      } else {
        out.push_back(c);
      }
    } else {
      out.push_back(c);
    }
  }
  return out;
}

bool is_unicode_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}

bool is_decimal_digit(char32_t c) {
  return std::any_of(std::begin(kZeros), std::end(kZeros),
                     [c](char32_t zero) { return c - zero < 10; });
}

}  // namespace genvid
