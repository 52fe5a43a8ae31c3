#include "cli/file_marks.h"

#include "genvid/error.h"
#include "jobs/record.h"

namespace genvid::cli {
FileMarks read_marks(const std::string& path, const media::FileInfo& info,
                     const ReadMarksOptions& options) {
  FileMarks marks;
  marks.path = path;
  marks.record = record_in(info.tags);
  marks.xmp_possible = false;
  try {
    marks.c2pa = media::read_c2pa(path, options.anchors);
  } catch (const Error& e) {
    if (e.kind() != ErrorKind::kUnavailable) throw;
    marks.c2pa_problem = e.what();
  }
  return marks;
}

}  // namespace genvid::cli
