// Any bytes as a line of the history and as the record in a file's tags: nothing, an error, or a
// request without a path in it.
#include <algorithm>

#include "core/request_json.h"
#include "fuzz.h"
#include "jobs/history.h"
#include "jobs/rerun.h"

using namespace genvid;

namespace {

void check_request(const Request& request) {
  FUZZ_CHECK(request.seed && request.frames && request.size && !request.model.empty());
  FUZZ_CHECK(request.model.find('/') == std::string::npos && request.model != "..");
  FUZZ_CHECK(request.output.empty() && request.image.empty() && request.last_image.empty());
  FUZZ_CHECK(request.init_latents.empty() && request.save_latents.empty());
  FUZZ_CHECK(request.preview.empty() && request.format.empty());
  FUZZ_CHECK(request.sign.empty() && request.cert.empty() && !request.overwrite);
  FUZZ_CHECK(request.preview.empty() && request.encoder_options.empty());
  FUZZ_CHECK(request_to_json(request_from_json(request_to_json(request), "again",
                                               ErrorKind::kUsage)) == request_to_json(request));
}

void try_record(const Json& record) {
  fuzz::error_of([&] { check_request(request_of_record(record, "a.mp4")); });
  RerunSources sources;
  sources.what = "a.mp4";
  sources.prompt = "a house";
  sources.secret = std::string(64, 'a');
  fuzz::error_of([&] {
    const RerunPlan plan = plan_rerun(record, sources);
    FUZZ_CHECK(plan.request.prompt == "a house");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto entry = parse_history_line(text)) {
    FUZZ_CHECK(!entry->clip_id.empty() && entry->record.is_object());
    const std::string line = history_line(*entry);
    FUZZ_CHECK(std::count(line.begin(), line.end(), '\n') == 1 && line.back() == '\n');
    const auto again = parse_history_line(std::string_view(line).substr(0, line.size() - 1));
    FUZZ_CHECK(again && again->prompt == entry->prompt && again->inputs == entry->inputs);
    try_record(entry->record);
  }
  fuzz::error_of([&] { try_record(parse_json(text, "the comment", ErrorKind::kUsage)); });
  return 0;
}
