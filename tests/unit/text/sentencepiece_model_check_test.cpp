// Crafted model files: what the library would crash on must not reach it.
#include "text/sentencepiece_model_check.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "text/charsmap_check.h"
#include "text/sentencepiece_tokenizer.h"

namespace genvid {
namespace {

std::string varint(uint64_t v) {
  std::string out;
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
  return out;
}
std::string number(uint32_t field, uint64_t v) { return varint(field << 3) + varint(v); }
std::string bytes(uint32_t field, const std::string& v) {
  return varint(field << 3 | 2) + varint(v.size()) + v;
}
std::string word(uint32_t v) {
  std::string out;
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(v >> (8 * i)));
  return out;
}
std::string piece(const std::string& text, float score = -1, int type = 1) {
  return bytes(1, bytes(1, text) + varint(2 << 3 | 5) + word(std::bit_cast<uint32_t>(score)) +
                      number(3, static_cast<uint64_t>(type)));
}
// A complete small model; more is appended.
std::string model(const std::string& more = "") {
  return piece("<pad>", 0, 3) + piece("</s>", 0, 3) + piece("<unk>", 0, 2) + piece("\u2581") +
         piece("a") + more;
}
void rejects(const std::string& file, const std::string& why) {
  test::expect_error(ErrorKind::kModel, why, [&] { parse_sentencepiece_model(file, "m"); });
}

TEST(SentencePieceModel, ReadsAMinimalModel) {
  const SentencePieceModel m = parse_sentencepiece_model(model(), "m");
  EXPECT_EQ(m.pieces.size(), 5u);
  EXPECT_EQ(m.pad_id, 0);
  EXPECT_EQ(m.eos_id, 1);
  EXPECT_EQ(m.unk_id, 2);
  const std::vector<int32_t> ids = {3, 4, 4, 1};
  EXPECT_EQ(make_sentencepiece(m, {})->encode("aa", 512), ids);
}

TEST(SentencePieceModel, ReadsTheTinyModelAndWritesWhatItRead) {
  const std::string file = test::read_back(std::filesystem::path(GENVID_SOURCE_DIR) /
                                           "models/tiny-wan21/tokenizer/spiece.model");
  const SentencePieceModel m = parse_sentencepiece_model(file, "m");
  EXPECT_TRUE(m.byte_fallback);
  EXPECT_GT(m.charsmap.size(), 100000u);
  const SentencePieceModel again = parse_sentencepiece_model(to_library_model(m), "m");
  ASSERT_EQ(again.pieces.size(), m.pieces.size());
  EXPECT_EQ(again.charsmap, m.charsmap);
  EXPECT_EQ(again.unk_id, m.unk_id);
  for (size_t i = 0; i < m.pieces.size(); ++i) {
    EXPECT_EQ(again.pieces[i].text, m.pieces[i].text);
    EXPECT_EQ(again.pieces[i].score, m.pieces[i].score);
  }
}

TEST(SentencePieceModel, RejectsBadPieces) {
  rejects(model(piece(std::string(1'000'000, 'x'))), "1000000 bytes");
  rejects(model(piece("")), "empty");
  rejects(model(piece("a")), "second piece 5");
  rejects(model(piece(std::string("a\0b", 3))), "NUL");
  rejects(model(piece("\xff")), "UTF-8");
  rejects(model(piece("b", std::numeric_limits<float>::quiet_NaN())), "score");
  rejects(model(piece("b", std::numeric_limits<float>::infinity())), "score");
  rejects(model(piece("b", -3e38f)), "score");
  rejects(model(piece("b", 0, 7)), "type");
  rejects(model(piece("b", 0, 0)), "type");
  rejects(model(piece("<unk2>", 0, 2)), "two unknown");
  rejects(model(piece("<0x41>", 0, 6)), "byte_fallback off");
  rejects(model(piece("<0xZZ>", 0, 6)), "malformed byte");
  rejects(model(bytes(2, number(35, 1))), "byte_fallback on");
}

TEST(SentencePieceModel, RequiresTheSpecialPieces) {
  rejects("", "no ordinary piece");
  rejects(piece("a"), "no unknown");
  rejects(piece("a") + piece("<unk>", 0, 2), "no end-of-sequence");
  rejects(piece("a") + piece("<unk>", 0, 2) + piece("</s>", 0, 3), "no padding");
  rejects(piece("</s>", 0, 3) + piece("<pad>", 0, 3) + piece("<unk>", 0, 2), "no ordinary");
  // The trainer may name them otherwise.
  const std::string renamed = piece("[P]", 0, 3) + piece("[E]", 0, 3) + piece("?", 0, 2) +
                              piece("a") + bytes(2, bytes(47, "[E]") + bytes(48, "[P]"));
  EXPECT_EQ(parse_sentencepiece_model(renamed, "m").eos_id, 1);
}

TEST(SentencePieceModel, RejectsManySymbolsThatBeginAlike) {
  std::string more, symbol;
  for (int i = 0; i < 80; ++i) more += piece(symbol += "b", 0, 4);
  rejects(model(more), "begin alike");
}

TEST(SentencePieceModel, RejectsWhatItDoesNotKnow) {
  rejects(model(number(6, 1)), "unknown field 6");
  rejects(model(bytes(2, number(60, 1))), "unknown field 60");
  rejects(model(bytes(3, number(200, 1))), "unknown field 200");
  rejects(model(number(3, 1)), "wrong type");
  rejects(model(bytes(3, number(3, 1) + number(3, 0))), "twice");
  rejects(model(bytes(3, "") + bytes(3, "")), "twice");
  rejects(model(bytes(3, number(3, 2))), "yes or no");
  rejects(model(bytes(2, number(3, 2))), "only unigram");
}

TEST(SentencePieceModel, RejectsMalformedMessages) {
  rejects(model("\x0a"), "cut off");
  rejects(model("\x0a\x7f"), "longer than");
  rejects(model("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "longer than");
  rejects(model("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), "64 bits");
  rejects(model("\x0b"), "wire type");
  rejects(model(std::string(1, '\0')), "field number");
  rejects("<html>Not Found</html>", "m ");
}

constexpr uint32_t kUnused = 1u << 31;  // a value, which no byte leads to

// A double array by hand: one block, the root points to base `root`.
struct Trie {
  std::vector<uint32_t> units = std::vector<uint32_t>(256, kUnused);
  explicit Trie(uint32_t root_base) { units[0] = root_base << 10; }
  // Puts byte c below `base`; its own children start at `next`.
  Trie& edge(uint32_t base, uint8_t c, uint32_t next, bool leaf) {
    const uint32_t at = base ^ c;
    units[at] = (at ^ next) << 10 | (leaf ? 1u << 8 : 0) | c;
    return *this;
  }
  Trie& value(uint32_t base, uint32_t v) {
    units[base] = v | 1u << 31;
    return *this;
  }
  std::string blob(const std::string& replacements) const {
    std::string trie;
    for (const uint32_t u : units) trie += word(u);
    return word(static_cast<uint32_t>(trie.size())) + trie + replacements;
  }
};
const std::string kText("x\0y\0", 4);

TEST(Charsmap, AcceptsAndUsesASmallTrie) {
  const Trie good = Trie(1).edge(1, 'b', 2, true).value(2, 0);
  EXPECT_EQ(charsmap_error(good.blob(kText)), "");
  const std::string file = model(piece("x") + bytes(3, bytes(2, good.blob(kText))));
  const std::vector<int32_t> ids = {3, 4, 5, 1};
  EXPECT_EQ(make_sentencepiece(parse_sentencepiece_model(file, "m"), {})->encode("ab", 512), ids);
}

TEST(Charsmap, RejectsEveryWayOut) {
  const auto error = [](const std::string& blob) { return charsmap_error(blob); };
  EXPECT_NE(error("abc"), "");
  EXPECT_NE(error(word(0) + kText), "");
  EXPECT_NE(error(word(0x7fffffff) + kText), "");
  EXPECT_NE(error(word(4) + word(0) + kText), "");  // not a whole block
  const Trie good = Trie(1).edge(1, 'b', 2, true).value(2, 0);
  EXPECT_NE(error(good.blob("x")), "");                       // no NUL at the end
  EXPECT_NE(error(good.blob("")), "");                        // no replacements
  EXPECT_NE(error(good.blob(std::string("\xff\0", 2))), "");  // not UTF-8
  EXPECT_NE(error(good.blob(std::string(5000, 'x') + '\0')), "");
  EXPECT_NE(error(Trie(0x7ffff).blob(kText)), "");                        // root points outside
  EXPECT_NE(error(Trie(1).edge(1, 'b', 0x1000, false).blob(kText)), "");  // so does a child
  Trie no_value = good;
  no_value.units[2] = 0;
  EXPECT_NE(error(no_value.blob(kText)), "");
  EXPECT_NE(error(Trie(1).edge(1, 'b', 2, true).value(2, 4).blob(kText)), "");
  EXPECT_NE(error(Trie(1).edge(1, 'b', 1, false).blob(kText)), "");  // b, bb, bbb, ... for ever
  Trie root_is_value(1);
  root_is_value.units[0] = 1u << 31;
  EXPECT_NE(error(root_is_value.blob(kText)), "");
}

TEST(Charsmap, CountsNestedEntries) {
  // One byte value per level: (base i) -> 'A'+i leads to base i + 1, where every level ends a key.
  const auto nested = [](uint32_t levels) {
    Trie trie(1);
    trie.units.assign(256 * (levels + 2), kUnused);
    trie.units[0] = 256u << 10;
    for (uint32_t i = 1; i <= levels; ++i) {
      trie.edge(256 * i, 'A', 256 * (i + 1), true);
      trie.value(256 * (i + 1), 0);
    }
    return charsmap_error(trie.blob(kText));
  };
  EXPECT_EQ(nested(32), "");
  EXPECT_NE(nested(33).find("prefixes"), std::string::npos);
}

}  // namespace
}  // namespace genvid
