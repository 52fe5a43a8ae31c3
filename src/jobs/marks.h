// The layers that say what made a file, judged together: which should be there, which are, and
// whether they agree with each other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/json.h"
#include "media/c2pa.h"
#include "media/watermark.h"
#include "media/xmp.h"

namespace genvid {

// What was found in a file. Nothing in it is taken on trust.
struct FileMarks {
  std::string path;
  Json record;                                       // of the container's tags; null = none
  std::optional<media::XmpFields> xmp;               // nullopt = none
  std::string xmp_problem;                           // it is there and cannot be read
  bool xmp_possible = true;                          // the container has a place for it
  std::optional<media::WatermarkReading> watermark;  // nullopt = not looked for
  media::C2paReport c2pa;
  std::string c2pa_problem;  // why it could not be looked for: the library is not here
};

struct LayerVerdict {
  std::string name;    // "tags", "xmp", "watermark", "c2pa"
  std::string state;   // "valid", "missing", "damaged", "none" (and none is due), "unchecked"
  std::string detail;  // one line, may be empty
};

struct Verdict {
  // "valid": every mark that the file should have; "incomplete": one is missing or damaged;
  // "unmarked": none at all.
  std::string state;
  std::vector<LayerVerdict> layers;
};

Verdict judge(const FileMarks& marks);
// 0, 1 or 3: `genvid verify` ends with the worst of its files, unmarked being worse than valid and
// better than incomplete.
int exit_code(const Verdict& verdict);

Json to_json(const FileMarks& marks, const Verdict& verdict);
Json xmp_json(const FileMarks& marks);  // null without
Json c2pa_json(const FileMarks& marks);

}  // namespace genvid
