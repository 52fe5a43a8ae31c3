#include "text/charsmap_check.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/limits.h"
#include "text/utf8.h"

namespace genvid {
namespace {

// The library keeps at most 32 matches of one input position, in an array on its stack, and reads
// as many as the trie reports.
constexpr int kMaxMatches = 32;
// The library's builder makes arrays of whole blocks; so `base ^ any byte` stays in the array.
constexpr size_t kBlock = 256;

uint32_t load32(std::string_view bytes) {
  uint32_t v = 0;
  for (size_t i = 0; i < 4; ++i)
    v |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << 8 * i;
  return v;
}

// One unit of the double array (darts-clone's layout).
struct Unit {
  uint32_t bits;
  bool is_value() const { return bits >> 31; }
  uint32_t value() const { return bits & 0x7FFFFFFF; }
  uint32_t label() const { return bits & 0x800000FF; }
  bool has_leaf() const { return bits >> 8 & 1; }
  uint32_t offset() const { return (bits >> 10) << ((bits & (1u << 9)) >> 6); }
};

class TrieCheck {
 public:
  TrieCheck(std::string_view trie, std::string_view replacements) : replacements_(replacements) {
    units_.reserve(trie.size() / 4);
    for (size_t i = 0; i < trie.size(); i += 4) units_.push_back({load32(trie.substr(i, 4))});
  }

  std::string run() {
    if (units_[0].is_value()) return "the root of its trie is a value";
    for (size_t i = 0; i < units_.size(); ++i) {
      if (units_[i].is_value()) continue;
      const size_t base = i ^ units_[i].offset();
      if (base >= units_.size()) {
        return "unit " + std::to_string(i) + " of its trie points to unit " + std::to_string(base) +
               " of " + std::to_string(units_.size());
      }
      if (!units_[i].has_leaf()) continue;
      if (!units_[base].is_value())
        return "unit " + std::to_string(i) + " of its trie has no value";
      if (auto error = replacement_error(units_[base].value()); !error.empty()) return error;
    }
    return walk();
  }

 private:
  // The caller has seen that the replacements end in a NUL.
  std::string replacement_error(uint32_t at) {
    if (at >= replacements_.size()) {
      return "a replacement starts at byte " + std::to_string(at) + " of " +
             std::to_string(replacements_.size());
    }
    const std::string_view text = replacements_.substr(at, replacements_.find('\0', at) - at);
    if (text.size() > limits::kTokenizerReplacementBytes) {
      return "a replacement has " + std::to_string(text.size()) + " bytes, more than " +
             std::to_string(limits::kTokenizerReplacementBytes);
    }
    return invalid_utf8_at(text) ? "a replacement is not valid UTF-8" : "";
  }

  // Depth-first over what is reachable from the root: no cycle, and no more nested matches than
  // the library has room for. Suffixes may be shared (the graph is a DAG), so results are kept.
  std::string walk() {
    struct Frame {
      size_t unit;
      uint32_t next_byte;
      int deepest;
    };
    enum : uint8_t { kNew, kOpen, kDone };
    std::vector<uint8_t> state(units_.size(), kNew);
    std::vector<uint8_t> matches(units_.size(), 0);
    std::vector<Frame> stack = {{0, 0, 0}};
    state[0] = kOpen;
    while (!stack.empty()) {
      Frame& top = stack.back();
      const size_t base = top.unit ^ units_[top.unit].offset();
      std::optional<size_t> child;
      for (; top.next_byte < 256 && !child; ++top.next_byte) {
        const size_t candidate = base ^ top.next_byte;
        if (units_[candidate].label() == top.next_byte) child = candidate;
      }
      if (!child) {
        const int count = top.deepest + (top.unit != 0 && units_[top.unit].has_leaf() ? 1 : 0);
        if (count > kMaxMatches) return "more than 32 entries of its trie are prefixes of another";
        matches[top.unit] = static_cast<uint8_t>(count);
        state[top.unit] = kDone;
        stack.pop_back();
        if (!stack.empty()) stack.back().deepest = std::max(stack.back().deepest, count);
      } else if (state[*child] == kOpen) {
        return "its trie has a cycle at unit " + std::to_string(*child);
      } else if (state[*child] == kDone) {
        top.deepest = std::max<int>(top.deepest, matches[*child]);
      } else {
        state[*child] = kOpen;
        stack.push_back({*child, 0, 0});
      }
    }
    return "";
  }

  std::vector<Unit> units_;
  std::string_view replacements_;
};

}  // namespace

std::string charsmap_error(std::string_view blob) {
  if (blob.size() < 4) return "it has only " + std::to_string(blob.size()) + " bytes";
  const uint64_t trie_bytes = load32(blob);
  const std::string_view rest = blob.substr(4);
  if (trie_bytes >= rest.size()) {
    return "its trie has " + std::to_string(trie_bytes) + " bytes, the map " +
           std::to_string(rest.size());
  }
  if (trie_bytes == 0 || trie_bytes % (4 * kBlock) != 0) {
    return "its trie of " + std::to_string(trie_bytes) + " bytes is not made of whole blocks";
  }
  if (trie_bytes > limits::kTokenizerTrieBytes) {
    return "its trie has " + std::to_string(trie_bytes) + " bytes, more than " +
           std::to_string(limits::kTokenizerTrieBytes);
  }
  if (rest.back() != '\0') return "its replacements do not end in a NUL";
  const auto size = static_cast<size_t>(trie_bytes);
  return TrieCheck(rest.substr(0, size), rest.substr(size)).run();
}

}  // namespace genvid
