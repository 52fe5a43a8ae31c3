// Strings to token ids. No torch here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

namespace genvid {

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Ids without padding, ending in the end-of-sequence id, at most max_length of them.
  virtual std::vector<int32_t> encode(std::string_view text, int max_length) const = 0;
  virtual int32_t pad_id() const = 0;
  virtual int32_t vocabulary_size() const = 0;
};

// A SentencePiece unigram model with the two fix-ups that make its ids equal the reference's fast
// tokenizer. The file is checked strictly before the library sees it. Throws Error(kModel).
std::unique_ptr<Tokenizer> open_sentencepiece(const std::filesystem::path& model_file);

}  // namespace genvid
