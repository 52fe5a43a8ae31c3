// Token ids against the reference's tokenizer (tests/data/tokenizer_cases.json).
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/json.h"
#include "support/expect_error.h"
#include "support/temp_dir.h"
#include "text/prompt_clean.h"

namespace genvid {
namespace {

const std::filesystem::path kSource = GENVID_SOURCE_DIR;
const std::filesystem::path kFolder = kSource / "models/tiny-wan21/tokenizer";

std::vector<int32_t> ids_of(const std::filesystem::path& folder, std::string_view text,
                            int max_length = 512) {
  return open_sentencepiece(folder / "spiece.model")->encode(text, max_length);
}

// A copy of the tiny tokenizer with another tokenizer_config.json.
struct Folder {
  explicit Folder(const std::string& config) {
    test::write_file(dir / "spiece.model", test::read_back(kFolder / "spiece.model"));
    if (!config.empty()) test::write_file(dir / "tokenizer_config.json", config);
  }
  int32_t last_id(std::string_view text) const {
    const auto ids = ids_of(dir.path(), text);
    return ids.size() == 2 ? ids[0] : -1;
  }
  test::TempDir dir;
};

TEST(Tokenizer, CleansAndTokenizesAsTheReference) {
  const Json data = read_json_file(kSource / "tests/data/tokenizer_cases.json", ErrorKind::kUsage);
  const auto tokenizer = open_sentencepiece(kFolder / "spiece.model");
  size_t compared = 0;
  for (const Json& c : data["cases"]) {
    const std::string text = c["text"];
    if (!c.value("mojibake", false)) {
      EXPECT_EQ(clean_prompt(text), c["cleaned"].get<std::string>()) << text;
      ++compared;
    }
    EXPECT_EQ(tokenizer->encode(c["cleaned"].get<std::string>(), data["max_length"]),
              c["ids"].get<std::vector<int32_t>>())
        << text;
  }
  EXPECT_GE(compared, 200u);
}

TEST(Tokenizer, KnowsTheModelsOwnIds) {
  const auto tokenizer = open_sentencepiece(kFolder / "spiece.model");
  EXPECT_EQ(tokenizer->pad_id(), 0);
  const std::vector<int32_t> specials = {0, 1, 2, 3, 1};
  EXPECT_EQ(tokenizer->encode("<pad></s><s><unk>", 512), specials);
  EXPECT_EQ(tokenizer->encode("", 512), std::vector<int32_t>{1});
}

TEST(Tokenizer, FusesWhatHasNoPieceIntoOneUnknown) {
  const auto robot = ids_of(kFolder, "🤖");
  EXPECT_EQ(ids_of(kFolder, "🤖🤖🤖"), robot);
  EXPECT_EQ(std::count(robot.begin(), robot.end(), 3), 1);
}

TEST(Tokenizer, TruncatesAndStillEnds) {
  std::string words;
  for (int i = 0; i < 600; ++i) words += "house ";
  const auto all = ids_of(kFolder, words, 100000);
  for (const int length : {512, 2, 1}) {
    const auto cut = ids_of(kFolder, words, length);
    ASSERT_EQ(cut.size(), static_cast<size_t>(length));
    EXPECT_EQ(cut.back(), 1);
    EXPECT_TRUE(std::equal(cut.begin(), cut.end() - 1, all.begin()));
  }
}

TEST(Tokenizer, ExtraIdsFollowThePieces) {
  const Folder none(R"({"extra_ids": 0})");
  const int32_t pieces = open_sentencepiece(none.dir / "spiece.model")->vocabulary_size();
  ASSERT_GT(pieces, 256);
  const Folder three(R"({"extra_ids": 3})");
  EXPECT_EQ(three.last_id("<extra_id_0>"), pieces + 2);
  EXPECT_EQ(three.last_id("<extra_id_2>"), pieces);
  EXPECT_EQ(three.last_id("<extra_id_3>"), -1);
  EXPECT_EQ(Folder("{}").last_id("<extra_id_0>"), pieces + 99);
  EXPECT_EQ(Folder("").last_id("<extra_id_99>"), pieces);
}

TEST(Tokenizer, AddedTokensDecoderWins) {
  const Folder folder(
      R"({"extra_ids": 7, "added_tokens_decoder": {"0": {"content": "<pad>"}, "900": {"content": "<x>"}}})");
  EXPECT_EQ(folder.last_id("<x>"), 900);
  EXPECT_EQ(folder.last_id("<extra_id_0>"), -1);
  EXPECT_EQ(open_sentencepiece(folder.dir / "spiece.model")->vocabulary_size(), 901);
}

TEST(Tokenizer, RejectsAConfigThatLies) {
  const auto open = [](const std::string& config, const std::string& part) {
    const Folder folder(config);
    test::expect_error(ErrorKind::kModel, part,
                       [&] { open_sentencepiece(folder.dir / "spiece.model"); });
  };
  open(R"({"extra_ids": -1})", "extra_ids");
  open(R"({"extra_ids": 1000000})", "extra_ids");
  open(R"({"added_tokens_decoder": []})", "added_tokens_decoder");
  open(R"({"added_tokens_decoder": {"x": {"content": "a"}}})", "no id below");
  open(R"({"added_tokens_decoder": {"99999999999": {"content": "a"}}})", "no id below");
  open(R"({"added_tokens_decoder": {"0": {"content": ""}}})", "no usable content");
  open(R"({"added_tokens_decoder": {"0": {"content": "<unk>"}}})", "another content");
  open("[]", "tokenizer_config.json");
}

TEST(Tokenizer, MissingFileIsAModelError) {
  test::expect_error(ErrorKind::kModel, "nowhere", [] { open_sentencepiece("/nowhere/x.model"); });
}

}  // namespace
}  // namespace genvid
