// Any bytes as a media file with XMP in it, and as an XMP packet: found or not, read or refused,
// never read outside the file. What is read can be written and read again.
#include "fuzz.h"
#include "media/xmp.h"
#include "media/xmp_find.h"

using namespace genvid;
using namespace genvid::media;

namespace {

void try_packet(std::string_view packet) {
  XmpFields fields;
  if (!fuzz::error_of([&] { fields = parse_xmp(packet); }).empty()) return;
  bool plain = true;  // control characters are not written
  for (const auto* text : {&fields.digital_source_type, &fields.system_name, &fields.system_version,
                           &fields.created, &fields.unique_id}) {
    for (const char c : *text) plain = plain && static_cast<unsigned char>(c) > 0x20;
  }
  if (!plain) return;
  FUZZ_CHECK(parse_xmp(xmp_packet(fields)) == fields);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const ByteSource file{size, [&](uint64_t at, void* out, size_t bytes) {
                          FUZZ_CHECK(at <= size && bytes <= size - at);
                          text.copy(static_cast<char*>(out), bytes, at);
                        }};
  const auto found = find_xmp(file);
  if (found) {
    FUZZ_CHECK(found->size() <= size);
    try_packet(*found);
  }
  for (const auto& [key, value] : png_texts(file)) FUZZ_CHECK(key.size() + value.size() < size);
  const GifSummary gif = gif_summary(file);
  FUZZ_CHECK(gif.comment.size() <= size && static_cast<size_t>(gif.pictures) <= size);
  try_packet(text);
  return 0;
}
