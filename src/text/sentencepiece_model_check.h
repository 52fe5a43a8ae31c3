// A SentencePiece model file, parsed strictly before the library sees a byte of it: releases up to
// 0.2.1 crash on crafted files. What was understood is written out anew, so the library gets only
// checked fields. Unigram models only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace genvid {

// The values of the file format.
enum class PieceType : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

struct SentencePieceModel {
  struct Piece {
    std::string text;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };
  std::vector<Piece> pieces;  // the index is the id
  int32_t unk_id = -1;
  int32_t eos_id = -1;
  int32_t pad_id = -1;

  bool byte_fallback = false;
  bool treat_whitespace_as_suffix = false;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  std::string charsmap;  // precompiled_charsmap; may be empty
};

// what names the file in messages. Throws Error(kModel).
SentencePieceModel parse_sentencepiece_model(std::string_view bytes, const std::string& what);

// The model for the library, in the form that makes its ids equal the reference's: byte pieces are
// plain pieces there, and what has no piece is one unknown token per run, not a run of bytes.
std::string to_library_model(const SentencePieceModel& model);

}  // namespace genvid
