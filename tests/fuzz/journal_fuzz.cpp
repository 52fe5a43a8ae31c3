// Any bytes as a line of a batch's journal: not whole, or an entry that is written and read again
// as the same.
#include <cstring>

#include "core/crc32c.h"
#include "fuzz.h"
#include "jobs/journal.h"

using namespace genvid;

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

constexpr std::string_view kKey = ",\"crc32c\":\"";

}  // namespace

// Mutates; most wrong CRCs are then mended, so that what lies behind the check is reached.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  const size_t mutated = LLVMFuzzerMutate(data, size, max_size);
  if (seed % 4 == 0) return mutated;
  const std::string_view text = fuzz::text_of(data, mutated);
  const size_t at = text.rfind(kKey);
  if (at == std::string_view::npos || at + kKey.size() + 8 > mutated) return mutated;
  char crc[16];
  std::snprintf(crc, sizeof(crc), "%08x", crc32c(text.substr(0, at)));
  std::memcpy(data + at + kKey.size(), crc, 8);
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  JournalEntry entry;
  bool whole = false;
  const std::string error =
      fuzz::error_of([&] { whole = parse_journal_line(fuzz::text_of(data, size), entry); });
  FUZZ_CHECK(error.empty());
  if (!whole) return 0;
  std::string line = journal_line(entry);
  FUZZ_CHECK(line.find('\n') == line.size() - 1);
  line.pop_back();
  JournalEntry again;
  FUZZ_CHECK(parse_journal_line(line, again));
  FUZZ_CHECK(again.id == entry.id && again.status == entry.status && again.path == entry.path);
  FUZZ_CHECK(again.keys == entry.keys && again.attempt == entry.attempt);
  FUZZ_CHECK(again.note == entry.note);
  if (entry.status == "done") {
    FUZZ_CHECK(again.bytes == entry.bytes && again.mtime_ns == entry.mtime_ns);
    FUZZ_CHECK(again.sha256 == entry.sha256 && again.frames == entry.frames);
    FUZZ_CHECK(again.kept_latents == entry.kept_latents);
  }
  if (entry.status == "failed") FUZZ_CHECK(again.code == entry.code && again.error == entry.error);
  return 0;
}
