#include "text/sentencepiece_tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <utility>

#include "core/input_file.h"
#include "core/json.h"
#include "core/limits.h"
#include "genvid/error.h"

namespace genvid {
namespace {

// What the reference's tokenizer class adds when nothing says how many.
constexpr int32_t kDefaultExtraIds = 100;

class SentencePieceTokenizer : public Tokenizer {
 public:
  SentencePieceTokenizer(const SentencePieceModel& model, const std::vector<SpecialToken>& specials)
      : eos_id_(model.eos_id),
        pad_id_(model.pad_id),
        vocabulary_size_(static_cast<int32_t>(model.pieces.size())) {
    const auto status = processor_.LoadFromSerializedProto(to_library_model(model));
    if (!status.ok()) {
      throw Error(ErrorKind::kModel, "the SentencePiece library refuses the tokenizer model: " +
                                         status.ToString() + "; get the file again");
    }
    for (int32_t id = 0; id < vocabulary_size_; ++id) {
      const SentencePieceModel::Piece& piece = model.pieces[static_cast<size_t>(id)];
      if (piece.type == PieceType::kControl || piece.type == PieceType::kUnknown) {
        add_special({piece.text, id});
      }
    }
    for (const SpecialToken& special : specials) add_special(special);
  }

  std::vector<int32_t> encode(std::string_view text, int max_length) const override {
    std::vector<int32_t> ids;
    size_t begin = 0;
    for (size_t pos = 0; pos < text.size();) {
      const auto special = special_at(text.substr(pos));
      if (special.first == 0) {
        ++pos;
        continue;
      }
      encode_plain(text.substr(begin, pos - begin), ids);
      ids.push_back(special.second);
      begin = pos += special.first;
    }
    encode_plain(text.substr(begin), ids);
    const auto room = static_cast<size_t>(std::max(max_length, 1) - 1);
    if (ids.size() > room) ids.resize(room);
    ids.push_back(eos_id_);
    return ids;
  }

  int32_t pad_id() const override { return pad_id_; }
  int32_t vocabulary_size() const override { return vocabulary_size_; }

 private:
  // Ordered with a transparent comparison, so that a view finds a string.
  using ByText = std::map<std::string, int32_t, std::less<>>;

  void add_special(const SpecialToken& special) {
    if (special.text.empty()) return;
    specials_[special.text.size()].emplace(special.text, special.id);
    first_bytes_[static_cast<uint8_t>(special.text[0])] = true;
    vocabulary_size_ = std::max(vocabulary_size_, special.id + 1);
  }

  // Length and id of the longest special token that text begins with; length 0 if none.
  std::pair<size_t, int32_t> special_at(std::string_view text) const {
    if (!first_bytes_[static_cast<uint8_t>(text[0])]) return {0, 0};
    for (const auto& [length, by_text] : specials_) {
      if (length > text.size()) continue;
      const auto found = by_text.find(text.substr(0, length));
      if (found != by_text.end()) return {length, found->second};
    }
    return {0, 0};
  }

  void encode_plain(std::string_view text, std::vector<int32_t>& ids) const {
    if (text.empty()) return;
    std::vector<int> pieces;
    const auto status = processor_.Encode({text.data(), text.size()}, &pieces);
    if (!status.ok()) {
      throw Error(ErrorKind::kModel, "the SentencePiece library cannot tokenize the prompt: " +
                                         status.ToString() + "; check the tokenizer model");
    }
    ids.insert(ids.end(), pieces.begin(), pieces.end());
  }

  sentencepiece::SentencePieceProcessor processor_;
  std::map<size_t, ByText, std::greater<>> specials_;  // by length, longest first
  bool first_bytes_[256] = {};
  int32_t eos_id_;
  int32_t pad_id_;
  int32_t vocabulary_size_;
};

[[noreturn]] void fail(const std::string& what, const std::string& why) {
  throw Error(ErrorKind::kModel, what + " " + why + "; get the tokenizer folder again");
}

// "added_tokens_decoder": {"256000": {"content": "<extra_id_299>", ...}, ...}
std::vector<SpecialToken> added_tokens(const Json& decoder, const SentencePieceModel& model,
                                       const std::string& what) {
  const std::string key = what + ": added_tokens_decoder";
  if (!decoder.is_object() || decoder.size() > limits::kTokenizerSpecials) {
    fail(key, "is not an object of at most " + std::to_string(limits::kTokenizerSpecials) + " ids");
  }
  const auto pieces = static_cast<int32_t>(model.pieces.size());
  std::vector<SpecialToken> tokens;
  for (const auto& [id_text, token] : decoder.items()) {
    int32_t id = -1;
    const auto end = id_text.data() + id_text.size();
    const auto parsed = std::from_chars(id_text.data(), end, id);
    const int32_t limit = pieces + static_cast<int32_t>(limits::kTokenizerSpecials);
    if (parsed.ec != std::errc{} || parsed.ptr != end || id < 0 || id >= limit) {
      fail(key, "has a key that is no id below " + std::to_string(limit));
    }
    const bool usable =
        token.is_object() && token.contains("content") && token["content"].is_string();
    const std::string content = usable ? token["content"].get<std::string>() : "";
    if (content.empty() || content.size() > limits::kTokenizerPieceBytes) {
      fail(key, "has no usable content for id " + id_text);
    }
    if (id < pieces && model.pieces[static_cast<size_t>(id)].text != content) {
      fail(key, "gives id " + id_text + " another content than spiece.model");
    }
    tokens.push_back({content, id});
  }
  return tokens;
}

// What tokenizer_config.json beside the model says; without it, what the reference's class assumes.
std::vector<SpecialToken> specials_beside(const std::filesystem::path& model_file,
                                          const SentencePieceModel& model) {
  const auto pieces = static_cast<int32_t>(model.pieces.size());
  const std::filesystem::path path = model_file.parent_path() / "tokenizer_config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return extra_ids(pieces, kDefaultExtraIds);
  const Json json = read_json_file(path, ErrorKind::kModel);
  const JsonObject config(json, path.string(), ErrorKind::kModel);
  if (config.has("added_tokens_decoder")) {
    return added_tokens(json["added_tokens_decoder"], model, path.string());
  }
  const int64_t count = config.integer("extra_ids", kDefaultExtraIds, 0,
                                       static_cast<int64_t>(limits::kTokenizerSpecials));
  return extra_ids(pieces, static_cast<int32_t>(count));
}

}  // namespace

std::vector<SpecialToken> extra_ids(int32_t pieces, int32_t count) {
  std::vector<SpecialToken> tokens;
  for (int32_t i = 0; i < count; ++i) {
    tokens.push_back({"<extra_id_" + std::to_string(i) + ">", pieces + count - 1 - i});
  }
  return tokens;
}

std::unique_ptr<Tokenizer> make_sentencepiece(const SentencePieceModel& model,
                                              const std::vector<SpecialToken>& specials) {
  return std::make_unique<SentencePieceTokenizer>(model, specials);
}

std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& model_file) {
  const std::string bytes = read_file(model_file, limits::kTokenizerBytes, ErrorKind::kModel);
  const SentencePieceModel model = parse_sentencepiece_model(bytes, model_file.string());
  return make_sentencepiece(model, specials_beside(model_file, model));
}

}  // namespace genvid
