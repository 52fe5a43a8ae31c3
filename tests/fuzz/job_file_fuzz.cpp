// Any bytes as a job file: errors with places, or clips whose requests are all within their limits
// and whose files stay below the output folder. The first byte chooses the format.
#include <filesystem>

#include "fuzz.h"
#include "jobs/job_expand.h"

using namespace genvid;

namespace {

void check_message(const std::string& message) {
  FUZZ_CHECK(!message.empty());
  for (const char c : message) {
    FUZZ_CHECK(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  }
}

void check_clip(const JobFile& file, const ExpandedClip& clip) {
  FUZZ_CHECK(is_job_id(clip.id));
  const Request request = clip_request(file, clip, {{}, "out"});
  FUZZ_CHECK(request.seed && *request.seed <= kMaxJobSeed);
  FUZZ_CHECK(request.prompt.find_first_not_of(" \t\r\n") != std::string::npos);
  FUZZ_CHECK(!(request.frames && request.seconds));
  for (const std::string& path : {request.output, request.save_latents}) {
    if (path.empty()) continue;
    const auto normal = std::filesystem::path(path).lexically_normal().string();
    FUZZ_CHECK(normal.starts_with("out/") && normal.find("/../") == std::string::npos);
    FUZZ_CHECK(path.find_first_of("{}") == std::string::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr JobFormat kFormats[] = {JobFormat::kJson, JobFormat::kLines, JobFormat::kText};
  const JobFormat format = kFormats[data[0] % 3];
  try {
    std::string text(fuzz::text_of(data + 1, size - 1));
    const JobFile file = JobFile::parse(std::move(text), "jobs", format);
    FUZZ_CHECK(!file.jobs().empty() && file.clip_count() <= kMaxJobs);
    for (size_t job = 0; job < file.jobs().size(); ++job) {
      FUZZ_CHECK(file.find(file.jobs()[job].id) == job);
    }
    if (file.clip_count() > 50) return 0;
    for (const ExpandedClip& clip : expand_jobs(file)) check_clip(file, clip);
  } catch (const Error& error) {
    FUZZ_CHECK(error.kind() == ErrorKind::kUsage);
    check_message(error.what());
  }
  return 0;
}
