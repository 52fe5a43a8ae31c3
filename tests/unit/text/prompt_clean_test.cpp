// Expected values: ftfy 6.3.1 and html.unescape of Python 3.11.
#include "text/prompt_clean.h"

#include <gtest/gtest.h>

#include <string>

#include "core/limits.h"
#include "genvid/error.h"

namespace genvid {
namespace {

struct Case {
  std::string in, out;
};

void expect_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(clean_prompt(c.in), c.out) << "for: " << c.in;
}

TEST(PromptClean, LeavesPlainTextAlone) {
  expect_all({{"", ""},
              {"a red fox, 35mm film", "a red fox, 35mm film"},
              {"一只红狐狸走过雪地。", "一只红狐狸走过雪地。"},
              {"naïve façade — 50 % … 🤖", "naïve façade — 50 % … 🤖"}});
}

TEST(PromptClean, CollapsesUnicodeSpace) {
  expect_all({{"  a\t b\r\n\n c  ", "a b c"},
              {"a\u00a0\u2003b\u3000c", "a b c"},
              {"a\u200bb", "a\u200bb"},
              {" \u3000\n", ""}});
}

TEST(PromptClean, StraightensQuotesAndLigatures) {
  expect_all({{"“it’s” ‚x‛", "\"it's\" 'x'"},
              {"ﬁne ﬂuﬃest Ĳs ŉ", "fine fluffiest IJs 'n"},
              {"ǅ ﬆ", "D\u017e st"}});
}

TEST(PromptClean, RemovesControls) {
  expect_all({{"\ufeffa\x07"
               "b\u007fc\ufffcd",
               "abcd"},
              {std::string("nul\0here", 8), "nulhere"},
              {"\x1b[1;31mred\x1b[0m \x1b[x", "red"},
              {"smart \u0093quotes\u0094 \u0085", "smart \"quotes\" …"}});
}

TEST(PromptClean, UsesUsualWidths) {
  expect_all({{"ＬＯＵＤ　ＮＯＩＳＥＳ！", "LOUD NOISES!"}, {"Ｕﾀｰﾝ ﾊﾞ ￦", "Uターン バ ₩"}});
}

TEST(PromptClean, ComposesToNfc) {
  expect_all({{"e\u0301", "é"},
              {"a\u0323\u0302", "\u1ead"},
              {"a\u0302\u0323", "\u1ead"},
              {"\u1112\u1161\u11ab", "한"},
              {"\u212b \u0344", "Å \u0308\u0301"},
              {"\u0958", "\u0915\u093c"},
              {"か\u3099", "が"}});
}

TEST(PromptClean, UnescapesEntities) {
  expect_all({{"fish &amp; chips &lt;3", "fish & chips <3"},
              {"P&EACUTE;REZ &eacute; &#233; &#xe9;", "PÉREZ é é é"},
              {"this&not that &notit; &notin;", "this¬ that ¬it; ∉"},
              {"&amp;amp;amp;lt;", "<"},
              {"&#0; &#xD800; &#x110000; &#99999999999999999999;", "� � � �"},
              {"x&#1;y&#xfdd0;z", "xyz"},
              {"&#128; &#59; &#12ab;", "€ ; ab;"},
              {"&CounterClockwiseContourIntegral;", "∳"},
              {"&nosuch; & &; &#; &#x;", "&nosuch; & &; &#; &#x;"}});
}

TEST(PromptClean, HtmlIsNotTextButStillUnescapedTwice) {
  // ftfy leaves the entities of a line with '<' alone; the pipeline then unescapes twice.
  expect_all({{"<b> &amp;amp;amp;lt;", "<b> &amp;lt;"},
              {"&amp;amp;amp;lt;\n<b>\n&amp;amp;amp;lt;", "< <b> &amp;lt;"},
              {"<b> &EACUTE;", "<b> &EACUTE;"}});
}

TEST(PromptClean, DeepNestingEnds) {
  std::string deep = "&";
  while (deep.size() + 4 <= limits::kPromptBytes) deep += "amp;";
  EXPECT_FALSE(clean_prompt(deep).empty());
}

TEST(PromptClean, RejectsInvalidUtf8WithItsOffset) {
  for (const std::string bad : {"ab\xff", "ab\xc0\x80", "ab\xed\xa0\x80", "ab\xf4\x90\x80\x80",
                                "ab\xe4\xb8", "ab\x80", "ab\xf0\x80\x80\xaf"}) {
    try {
      clean_prompt(bad);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.kind(), ErrorKind::kUsage);
      EXPECT_NE(std::string(e.what()).find("at byte 2 "), std::string::npos) << e.what();
    }
  }
}

TEST(PromptClean, RejectsHugePrompts) {
  EXPECT_EQ(clean_prompt(std::string(limits::kPromptBytes, 'a')).size(), limits::kPromptBytes);
  EXPECT_THROW(clean_prompt(std::string(limits::kPromptBytes + 1, 'a')), Error);
}

}  // namespace
}  // namespace genvid
