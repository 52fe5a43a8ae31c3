#include "jobs/prompt_note.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "core/log.h"
#include "core/suggest.h"

namespace genvid {
namespace {

constexpr size_t kWordsNamed = 5;
constexpr size_t kShortestWord = 3;  // shorter ones carry no meaning of their own here

// Runs of ASCII letters (and all of UTF-8's), lower case, each once, in their order.
std::vector<std::string> words_of(const std::string& prompt) {
  std::vector<std::string> words;
  std::string word;
  const auto end = [&] {
    if (word.size() >= kShortestWord &&
        std::find(words.begin(), words.end(), word) == words.end()) {
      words.push_back(word);
    }
    word.clear();
  };
  for (const char c : prompt) {
    if (c >= 'A' && c <= 'Z') {
      word += static_cast<char>(c - 'A' + 'a');
    } else if ((c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80) {
      word += c;
    } else {
      end();
    }
  }
  end();
  return words;
}

class WordSet {
 public:
  explicit WordSet(const std::vector<std::string>& words) : words_(words.begin(), words.end()) {}
  // Also as a plural or a form in -ing, -ed.
  bool has(const std::string& word) const {
    if (words_.count(word) != 0) return true;
    for (const std::string_view ending : {"s", "es", "ing", "ed"}) {
      if (word.size() <= ending.size() + kShortestWord || !word.ends_with(ending)) continue;
      const std::string stem = word.substr(0, word.size() - ending.size());
      if (words_.count(stem) != 0 || words_.count(stem + "e") != 0) return true;
    }
    return false;
  }

 private:
  std::set<std::string, std::less<>> words_;
};

std::string list(const std::vector<std::string>& words, size_t most) {
  std::string out;
  for (size_t i = 0; i < std::min(most, words.size()); ++i) out += (i > 0 ? ", " : "") + words[i];
  if (words.size() > most) out += ", ...";
  return out;
}

// The families that take any prompt, for people.
std::string open_families() {
  std::string names;
  for (const Description* d : descriptions()) {
    if (d->vocabulary != nullptr) continue;
    names += (names.empty() ? "" : " or ") + std::string(d->family);
  }
  return names;
}

// "volcanoe" -> ": did you mean ..."; words near to those that are not known.
std::string nearest(const std::vector<std::string>& unknown, const Vocabulary& vocabulary) {
  const std::vector<std::string_view> known(vocabulary.known.begin(), vocabulary.known.end());
  std::string out;
  for (const std::string& word : unknown) {
    const std::string_view found = closest(word, known);
    if (found.empty()) continue;
    out += (out.empty() ? "; nearest: " : ", ") + std::string(found) + " (for " +
           log::printable(word) + ")";
  }
  return out;
}

}  // namespace

PromptNote note_prompt(const std::string& prompt, const std::string& title,
                       const Vocabulary& vocabulary, const std::vector<NamedAttribute>& named) {
  PromptNote note;
  note.read = true;
  for (const NamedAttribute& a : named) {
    if (a.value != "none") note.named.push_back(a);
  }
  const WordSet known(vocabulary.known), neutral(vocabulary.neutral);
  bool any_known = vocabulary.known.empty();
  for (const std::string& word : words_of(prompt)) {
    if (known.has(word)) {
      any_known = true;
    } else if (!vocabulary.known.empty() && !neutral.has(word)) {
      note.unknown_words.push_back(word);
    }
  }
  note.nothing_known = note.named.empty() || !any_known;
  const std::string near = nearest(note.unknown_words, vocabulary);
  if (note.nothing_known) {
    note.warning = "the prompt names nothing that " + title +
                   " knows, so the clip will show something else" + near + "; it knows " +
                   list(vocabulary.things, 100) +
                   "; for anything else give --model a folder of real weights (" + open_families() +
                   "; README, Models)";
  } else if (!note.unknown_words.empty()) {
    std::vector<std::string> shown;
    for (const std::string& word : note.unknown_words) shown.push_back(log::printable(word));
    note.warning = title + " was never taught: " + list(shown, kWordsNamed) + near +
                   "; the clip is made from the rest of the prompt";
  }
  return note;
}

}  // namespace genvid
