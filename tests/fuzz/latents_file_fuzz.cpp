// Any bytes as a latents file: an error, or latents with fewer frames of context than frames, and
// before them a whole picture of their shape or none.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "core/latents_file.h"
#include "fuzz.h"

using namespace genvid;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

// Mutates, and then mostly says the header's true length.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  const size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  const size_t close = fuzz::text_of(data, mutated).rfind('}');
  if (seed % 4 == 0 || close == std::string_view::npos || close < 8) return mutated;
  const uint64_t length = close + 1 - 8;
  for (int i = 0; i < 8; ++i) data[i] = static_cast<uint8_t>(length >> (8 * i));
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const int file = memfd_create("latents", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  FUZZ_CHECK(ftruncate(file, 0) == 0);
  FUZZ_CHECK(pwrite(file, data, size, 0) == static_cast<ssize_t>(size));
  LatentsStart start;
  if (!fuzz::error_of([&] { start = latents_start(path); }).empty()) return 0;
  const TensorEntry latents = latents_entry(path);
  FUZZ_CHECK(latents.dtype == DType::kF32 && latents.shape.size() == 5);
  FUZZ_CHECK(start.context >= 0 && start.context < latents.shape[2]);
  if (start.shown) {
    const Image& image = *start.shown;
    FUZZ_CHECK(start.context > 0 && image.width > 0 && image.height > 0);
    FUZZ_CHECK(image.pixels.size() ==
               size_t{3} * static_cast<size_t>(image.width) * static_cast<size_t>(image.height));
    FUZZ_CHECK(image.height * latents.shape[4] == image.width * latents.shape[3]);
  }
  return 0;
}
