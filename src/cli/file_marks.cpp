#include "cli/file_marks.h"

#include "core/parse_values.h"
#include "genvid/error.h"
#include "jobs/record.h"
#include "media/watermark.h"
#include "media/xmp.h"

namespace genvid::cli {
namespace {

// y4m and the like have no place for a packet.
bool holds_xmp(const media::FileInfo& info) {
  for (const char* name : {"mov", "matroska", "gif", "png"}) {
    if (info.format.find(name) != std::string::npos) return true;
  }
  return false;
}

void read_xmp(const std::string& path, FileMarks& marks) {
  const auto packet = media::read_xmp_packet(path);
  if (!packet) return;
  try {
    marks.xmp = media::parse_xmp(*packet);
  } catch (const Error& e) {
    marks.xmp_problem = e.what();
  }
}

// The size that the record says the clip was written at: it may have been scaled since.
std::optional<Size> recorded_size(const Json& record) {
  if (!record.is_object()) return std::nullopt;
  for (const char* key : {"output_size", "size"}) {
    const auto found = record.find(key);
    if (found != record.end() && found->is_string()) return parse_size(found->get<std::string>());
  }
  return std::nullopt;
}

}  // namespace

FileMarks read_marks(const std::string& path, const media::FileInfo& info,
                     const ReadMarksOptions& options) {
  FileMarks marks;
  marks.path = path;
  marks.record = record_in(info.tags);
  marks.xmp_possible = holds_xmp(info);
  if (marks.xmp_possible) read_xmp(path, marks);
  if (options.watermark) {
    const auto reading = media::detect_watermark(path, {}, recorded_size(marks.record));
    // Nobody can ask for it in a clip that is too small to hold it.
    if (reading.found || media::watermark_fits({info.width, info.height}, info.frames)) {
      marks.watermark = reading;
    }
  }
  try {
    marks.c2pa = media::read_c2pa(path, options.anchors);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kUnavailable) throw;
    marks.c2pa_problem = e.what();
  }
  return marks;
}

}  // namespace genvid::cli
