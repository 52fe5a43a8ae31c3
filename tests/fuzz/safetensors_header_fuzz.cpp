// Any bytes as a safetensors file: an error, or a header whose tensors tile the file.
#include <algorithm>
#include <cstring>
#include <set>

#include "core/limits.h"
#include "core/safetensors.h"
#include "fuzz.h"

using namespace genvid;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Mutates, then mostly mends the length prefix, so that the JSON behind it is reached. The data
// bytes keep their number where the mutation allows it.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  const size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  if (mutated < 8 || seed % 8 == 0) return mutated;
  const uint8_t* begin = data + 8;
  const uint8_t* end = data + mutated;
  const auto last_brace = std::find(std::make_reverse_iterator(end),
                                    std::make_reverse_iterator(begin), static_cast<uint8_t>('}'));
  const uint64_t length = static_cast<uint64_t>(last_brace.base() - begin);
  for (int i = 0; i < 8; ++i) data[i] = static_cast<uint8_t>(length >> (8 * i));
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  SafetensorsHeader header;
  if (!fuzz::error_of([&] {
         header = parse_safetensors_header({data, size}, size, "f");
       }).empty()) {
    return 0;
  }
  uint64_t length = 0;
  std::memcpy(&length, data, 8);
  uint64_t at = 8 + length;
  std::set<std::string> names;
  for (const TensorEntry& tensor : header.tensors) {
    FUZZ_CHECK(!tensor.name.empty() && tensor.name.size() <= limits::kTensorNameBytes);
    FUZZ_CHECK(names.insert(tensor.name).second);
    FUZZ_CHECK(tensor.shape.size() <= limits::kTensorRank);
    uint64_t bytes = dtype_bytes(tensor.dtype);
    for (const int64_t dim : tensor.shape) {
      FUZZ_CHECK(dim > 0 && dim <= limits::kTensorDim);
      FUZZ_CHECK(!__builtin_mul_overflow(bytes, static_cast<uint64_t>(dim), &bytes));
    }
    FUZZ_CHECK(tensor.bytes == bytes && bytes > 0);
    FUZZ_CHECK(tensor.offset == at);
    at += bytes;
  }
  FUZZ_CHECK(at == size);
  return 0;
}
