#include "jobs/prompt_note.h"

#include <gtest/gtest.h>

namespace genvid {
namespace {

const Vocabulary kWords{{"barn", "beach", "castle", "house", "mountain", "night"},
                        {"the", "cinematic", "establishing", "shot"},
                        {"house", "castle", "beach"}};

PromptNote note(const std::string& prompt, const std::vector<NamedAttribute>& named) {
  return note_prompt(prompt, "small-model", kWords, named);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(PromptNote, AKnownPromptIsQuiet) {
  const PromptNote n =
      note("Establishing shot of the HOUSE, cinematic, 4k", {{"subject", "house"}});
  EXPECT_TRUE(n.read);
  EXPECT_FALSE(n.nothing_known);
  EXPECT_TRUE(n.unknown_words.empty());
  EXPECT_EQ(n.warning, "");
}

TEST(PromptNote, FormsOfAKnownWordAreKnown) {
  EXPECT_EQ(note("houses and beaches, nights", {{"subject", "house"}}).unknown_words,
            std::vector<std::string>{"and"});
}

TEST(PromptNote, NothingKnownSaysSoAndWhatIsKnown) {
  const PromptNote n = note("a dragon on a mountian", {});
  EXPECT_TRUE(n.nothing_known);
  for (const char* part : {"small-model", "names nothing", "mountain (for mountian)",
                           "house, castle, beach", "--model", "wan"}) {
    EXPECT_TRUE(has(n.warning, part)) << part << " not in: " << n.warning;
  }
  EXPECT_FALSE(has(n.warning, "\n"));
}

// A head that guesses is not believed when no word of the prompt was ever taught.
TEST(PromptNote, WordsAndHeadsMustAgree) {
  EXPECT_TRUE(note("quantum entanglement", {{"subject", "house"}}).nothing_known);
  EXPECT_TRUE(note("the house", {{"colour", "none"}}).nothing_known);
}

TEST(PromptNote, APartThatIsUnknownIsNamed) {
  const PromptNote n = note("a house and a dragon", {{"subject", "house"}});
  EXPECT_FALSE(n.nothing_known);
  EXPECT_TRUE(has(n.warning, "never taught: and, dragon")) << n.warning;
}

TEST(PromptNote, TerminalEscapesDoNotReachTheMessage) {
  const PromptNote n = note("a house \xc2\x9b\x1b[31mdragon", {{"subject", "house"}});
  EXPECT_FALSE(has(n.warning, "\x1b")) << n.warning;
  EXPECT_FALSE(has(n.warning, "\xc2\x9b")) << n.warning;
}

}  // namespace
}  // namespace genvid
