// The tokenizer behind open_sentencepiece, for callers that hold the model in memory (fuzzing).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "text/sentencepiece_model_check.h"
#include "text/tokenizer.h"

namespace genvid {

// A literal that stands for one id wherever it occurs in the text, such as "<extra_id_0>".
struct SpecialToken {
  std::string text;
  int32_t id = 0;
};

// specials: those beside the model's own control and unknown pieces.
std::unique_ptr<Tokenizer> make_sentencepiece(const SentencePieceModel& model,
                                              const std::vector<SpecialToken>& specials);

// "<extra_id_0>" .. "<extra_id_{count-1}>": the last ids after the pieces, counted down.
std::vector<SpecialToken> extra_ids(int32_t pieces, int32_t count);

}  // namespace genvid
