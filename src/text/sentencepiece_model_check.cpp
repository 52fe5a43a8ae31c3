#include "text/sentencepiece_model_check.h"

#include <bit>
#include <bitset>
#include <cmath>
#include <span>
#include <unordered_set>

#include "core/limits.h"
#include "genvid/error.h"
#include "text/charsmap_check.h"
#include "text/utf8.h"
#include "text/wire_reader.h"

namespace genvid {
namespace {

constexpr float kLargestScore = 1e6f;
// The library matches user-defined symbols into an array of 64 on its stack, unchecked.
constexpr size_t kNestedSymbols = 32;
constexpr uint64_t kUnigram = 1;

// sentencepiece_model.proto as of 0.2.1. Fields for training only are listed so that no field is
// unknown; what is not listed is refused.
struct FieldRule {
  uint32_t number;
  WireType type;
  bool repeated = false;
};
constexpr WireType kInt = WireType::kVarint;
constexpr WireType kText = WireType::kBytes;
constexpr WireType kFloat = WireType::kFixed32;

constexpr FieldRule kModelRules[] = {
    {1, kText, true}, {2, kText}, {3, kText}, {4, kText}, {5, kText}};
constexpr FieldRule kPieceRules[] = {{1, kText}, {2, kFloat}, {3, kInt}};
constexpr FieldRule kNormalizerRules[] = {{1, kText}, {2, kText}, {3, kInt},
                                          {4, kInt},  {5, kInt},  {6, kText}};
constexpr FieldRule kTrainerRules[] = {
    {1, kText, true},  {2, kText},        {3, kInt},   {4, kInt},   {5, kText, true}, {6, kInt},
    {7, kText},        {10, kFloat},      {11, kInt},  {12, kInt},  {13, kInt},       {14, kInt},
    {15, kFloat},      {16, kInt},        {17, kInt},  {18, kInt},  {19, kInt},       {20, kInt},
    {21, kInt},        {22, kInt},        {23, kInt},  {24, kInt},  {25, kInt},       {26, kInt},
    {30, kText, true}, {31, kText, true}, {32, kInt},  {33, kInt},  {34, kInt},       {35, kInt},
    {36, kText},       {40, kInt},        {41, kInt},  {42, kInt},  {43, kInt},       {44, kText},
    {45, kText},       {46, kText},       {47, kText}, {48, kText}, {49, kInt},       {50, kInt},
    {51, kFloat},      {52, kInt},        {53, kText}, {54, kText}};

class Parser {
 public:
  explicit Parser(const std::string& what) : what_(what) {}

  SentencePieceModel parse(std::string_view bytes) {
    if (bytes.size() > limits::kTokenizerBytes) {
      fail("has " + std::to_string(bytes.size()) + " bytes, more than " +
           std::to_string(limits::kTokenizerBytes));
    }
    read("model", bytes, kModelRules, [this](const WireField& f) {
      if (f.number == 1) read_piece(f.bytes);
      if (f.number == 2) read_trainer(f.bytes);
      if (f.number == 3) read_normalizer(f.bytes);
    });
    check_pieces();
    if (!model_.charsmap.empty()) {
      const std::string error = charsmap_error(model_.charsmap);
      if (!error.empty()) fail("has a bad character map: " + error);
    }
    return std::move(model_);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw Error(
        ErrorKind::kModel,
        what_ + " " + why + "; it is damaged or not a SentencePiece unigram model: get it again");
  }

  template <typename OnField>
  void read(const char* message, std::string_view bytes, std::span<const FieldRule> rules,
            OnField on_field) const {
    WireReader reader(bytes);
    std::bitset<64> seen;
    while (const auto field = reader.next()) {
      const FieldRule* rule = nullptr;
      for (const FieldRule& r : rules) {
        if (r.number == field->number) rule = &r;
      }
      const std::string name = "field " + std::to_string(field->number) + " of its " + message;
      if (!rule) fail("has an unknown " + name);
      if (rule->type != field->type) fail("has the wrong type in " + name);
      if (!rule->repeated && seen[rule->number]) fail("has twice the " + name);
      seen.set(rule->number);
      on_field(*field);
    }
    if (reader.error()) fail(std::string("is malformed in its ") + message + ": " + reader.error());
  }

  bool flag(const WireField& f) const {
    if (f.value > 1) fail("has " + std::to_string(f.value) + " where yes or no should be");
    return f.value == 1;
  }

  // Which piece, for messages; quoting it would let a hostile file write to the terminal.
  std::string piece_name(size_t id) const { return "piece " + std::to_string(id); }

  void read_piece(std::string_view bytes) {
    const size_t id = model_.pieces.size();
    if (id >= limits::kTokenizerPieces) {
      fail("has more than " + std::to_string(limits::kTokenizerPieces) + " pieces");
    }
    SentencePieceModel::Piece piece;
    read("piece", bytes, kPieceRules, [&](const WireField& f) {
      if (f.number == 1) {
        if (f.bytes.size() > limits::kTokenizerPieceBytes) {
          fail("has a " + piece_name(id) + " of " + std::to_string(f.bytes.size()) +
               " bytes, more than " + std::to_string(limits::kTokenizerPieceBytes));
        }
        piece.text = f.bytes;
      } else if (f.number == 2) {
        piece.score = std::bit_cast<float>(static_cast<uint32_t>(f.value));
      } else {
        if (f.value < 1 || f.value > 6) fail("has a " + piece_name(id) + " of unknown type");
        piece.type = static_cast<PieceType>(f.value);
      }
    });
    if (piece.text.empty()) fail("has an empty " + piece_name(id));
    if (piece.text.find('\0') != std::string::npos) fail("has a NUL in " + piece_name(id));
    if (invalid_utf8_at(piece.text)) fail("has invalid UTF-8 in " + piece_name(id));
    if (!std::isfinite(piece.score) || std::abs(piece.score) > kLargestScore) {
      fail("has a score out of range in " + piece_name(id));
    }
    model_.pieces.push_back(std::move(piece));
  }

  void read_trainer(std::string_view bytes) {
    read("trainer_spec", bytes, kTrainerRules, [this](const WireField& f) {
      switch (f.number) {
        case 3:
          if (f.value != kUnigram) {
            fail("has model type " + std::to_string(f.value) + ", only unigram (1) is supported");
          }
          break;
        case 24:
          model_.treat_whitespace_as_suffix = flag(f);
          break;
        case 35:
          model_.byte_fallback = flag(f);
          break;
        case 47:
          eos_piece_ = f.bytes;
          break;
        case 48:
          pad_piece_ = f.bytes;
          break;
        default:
          break;
      }
    });
  }

  void read_normalizer(std::string_view bytes) {
    read("normalizer_spec", bytes, kNormalizerRules, [this](const WireField& f) {
      if (f.number == 2) model_.charsmap = f.bytes;
      if (f.number == 3) model_.add_dummy_prefix = flag(f);
      if (f.number == 4) model_.remove_extra_whitespaces = flag(f);
      if (f.number == 5) model_.escape_whitespaces = flag(f);
    });
  }

  void check_pieces() {
    std::unordered_set<std::string_view> all, symbols;
    all.reserve(model_.pieces.size());
    bool any_normal = false;
    for (size_t id = 0; id < model_.pieces.size(); ++id) {
      const SentencePieceModel::Piece& piece = model_.pieces[id];
      if (!all.insert(piece.text).second) fail("has a second " + piece_name(id));
      any_normal = any_normal || piece.type == PieceType::kNormal;
      if (piece.type == PieceType::kUserDefined) symbols.insert(piece.text);
      if (piece.type == PieceType::kUnknown) {
        if (model_.unk_id >= 0) fail("has two unknown pieces");
        model_.unk_id = static_cast<int32_t>(id);
      }
      if (piece.type == PieceType::kControl || piece.type == PieceType::kUserDefined) {
        if (piece.text == eos_piece_) model_.eos_id = static_cast<int32_t>(id);
        if (piece.text == pad_piece_) model_.pad_id = static_cast<int32_t>(id);
      }
    }
    if (!any_normal) fail("has no ordinary piece");
    if (model_.unk_id < 0) fail("has no unknown piece");
    if (model_.eos_id < 0) fail("has no end-of-sequence piece");
    if (model_.pad_id < 0) fail("has no padding piece");
    check_byte_pieces();
    for (const std::string_view symbol : symbols) {
      size_t nested = 0;
      for (size_t n = 1; n <= symbol.size(); ++n) nested += symbols.count(symbol.substr(0, n));
      if (nested > kNestedSymbols) fail("has too many user-defined pieces that begin alike");
    }
  }

  // "<0x00>" to "<0xFF>", all of them or none.
  void check_byte_pieces() const {
    const auto hex = [](char c) {
      return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    };
    size_t count = 0;
    for (size_t id = 0; id < model_.pieces.size(); ++id) {
      const SentencePieceModel::Piece& piece = model_.pieces[id];
      if (piece.type != PieceType::kByte) continue;
      const std::string& t = piece.text;
      const bool well_formed =
          t.size() == 6 && t.starts_with("<0x") && t[5] == '>' && hex(t[3]) >= 0 && hex(t[4]) >= 0;
      if (!well_formed) fail("has a malformed byte piece, " + piece_name(id));
      ++count;
    }
    // No two pieces are equal, so 256 well-formed ones are all of them.
    if (count != (model_.byte_fallback ? 256 : 0)) {
      fail("has " + std::to_string(count) + " byte pieces, with byte_fallback " +
           (model_.byte_fallback ? "on" : "off"));
    }
  }

  const std::string& what_;
  SentencePieceModel model_;
  std::string eos_piece_ = "</s>";
  std::string pad_piece_ = "<pad>";
};

class WireWriter {
 public:
  void number(uint32_t field, uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  void float32(uint32_t field, float value) {
    varint(field << 3 | 5);
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int i = 0; i < 4; ++i) out_.push_back(static_cast<char>(bits >> (8 * i)));
  }
  void bytes(uint32_t field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    out_ += value;
  }
  std::string take() { return std::move(out_); }

 private:
  void varint(uint64_t v) {
    for (; v >= 0x80; v >>= 7) out_.push_back(static_cast<char>(v | 0x80));
    out_.push_back(static_cast<char>(v));
  }
  std::string out_;
};

}  // namespace

SentencePieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& what) {
  return Parser(what).parse(bytes);
}

std::string to_library_model(const SentencePieceModel& model) {
  WireWriter out;
  for (const SentencePieceModel::Piece& p : model.pieces) {
    WireWriter piece;
    piece.bytes(1, p.text);
    piece.float32(2, p.score);
    const PieceType type = p.type == PieceType::kByte ? PieceType::kNormal : p.type;
    piece.number(3, static_cast<uint64_t>(type));
    out.bytes(1, piece.take());
  }
  WireWriter trainer;
  trainer.number(3, kUnigram);
  trainer.number(24, model.treat_whitespace_as_suffix);
  out.bytes(2, trainer.take());
  WireWriter normalizer;
  if (!model.charsmap.empty()) normalizer.bytes(2, model.charsmap);
  normalizer.number(3, model.add_dummy_prefix);
  normalizer.number(4, model.remove_extra_whitespaces);
  normalizer.number(5, model.escape_whitespaces);
  out.bytes(3, normalizer.take());
  return out.take();
}

}  // namespace genvid
