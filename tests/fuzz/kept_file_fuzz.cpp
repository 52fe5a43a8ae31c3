// Any bytes as what a clip keeps on disk: an error, or a file whose tensors lie inside it and whose
// label is in range.
#include <cstring>

#include "core/crc32c.h"
#include "core/kept_file.h"
#include "core/limits.h"
#include "fuzz.h"

using namespace genvid;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Mutates; a wrong CRC is then mended with the one that the parser says it expects, so that what
// lies behind the check is reached.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  const size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 4 == 0) return mutated;
  const std::string_view text = fuzz::text_of(data, mutated);
  const size_t close = text.rfind('}');
  if (mutated > 8 && close != std::string_view::npos && close >= 8) {
    const uint64_t length = close + 1 - 8;
    for (int i = 0; i < 8; ++i) data[i] = static_cast<uint8_t>(length >> (8 * i));
  }
  constexpr std::string_view kKey = "\"crc32c\":\"";
  const size_t at = text.find(kKey);
  if (at == std::string_view::npos || at + kKey.size() + 8 > mutated) return mutated;
  const std::string crc = kept_file_crc({data, mutated});
  if (crc.size() == 8) std::memcpy(data + at + kKey.size(), crc.data(), 8);
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  KeptFile file;
  if (!fuzz::error_of([&] { file = parse_kept_file({data, data + size}, "f"); }).empty()) return 0;
  FUZZ_CHECK(file.label.part >= 0 && file.label.part <= limits::kMaxFrames);
  FUZZ_CHECK(file.label.step >= 0 && file.label.step <= limits::kMaxSteps);
  FUZZ_CHECK(file.bytes.size() == size);
  for (const TensorEntry& t : file.tensors) {
    FUZZ_CHECK(t.offset <= size && t.bytes <= size - t.offset);
    FUZZ_CHECK(file.find(t.name) == &t);
  }
  return 0;
}
