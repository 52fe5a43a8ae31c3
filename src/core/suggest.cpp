#include "core/suggest.h"

#include <algorithm>
#include <vector>

namespace genvid {
namespace {

constexpr size_t kLongestWord = 64;  // nobody mistypes a longer one; bounds the work

// Letter case, and '-' for '_' as on the command line, cost nothing.
char folded(char c) {
  if (c == '-') return '_';
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t same = folded(a[i - 1]) == folded(b[j - 1]) ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + same});
      if (i > 1 && j > 1 && folded(a[i - 1]) == folded(b[j - 2]) &&
          folded(a[i - 2]) == folded(b[j - 1])) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

// The shortest candidate that the word is the beginning of: "--guidance" of "--guidance-scale".
std::string_view begun(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr size_t kLeastLetters = 3;
  std::string_view best;
  if (word.size() - std::min(word.find_first_not_of('-'), word.size()) < kLeastLetters) return best;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() < word.size() || edits(word, candidate.substr(0, word.size())) > 0) {
      continue;
    }
    if (best.empty() || candidate.size() < best.size()) best = candidate;
  }
  return best;
}

}  // namespace

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kLongestWord) return {};
  std::string_view best;
  size_t best_edits = std::max<size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const size_t count = edits(word, candidate.substr(0, kLongestWord));
    if (count < best_edits) {
      best = candidate;
      best_edits = count;
    }
  }
  return best.empty() ? begun(word, candidates) : best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view found = closest(word, candidates);
  return found.empty() ? "" : "; did you mean \"" + std::string(found) + "\"?";
}

}  // namespace genvid
