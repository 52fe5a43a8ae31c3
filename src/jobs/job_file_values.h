// What a job file may say: every key with the values it takes. One table behind the parser, the
// suggestions and the test that compares both with configs/job.schema.json.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/json_reader.h"
#include "jobs/job_file_errors.h"

namespace genvid {

enum class JobValueKind {
  kPrompt,    // not blank
  kText,      // a negative prompt
  kPrompts,   // "5s a boat\n8s night" (core/prompt_times.h)
  kPath,      // as given
  kTemplate,  // a file name below the output folder, with {fields}
  kNumber,
  kInteger,
  kSize,  // "832x480"
  kRate,  // a number, or "30000/1001"
  kWord,  // one of words; any plain word when there are none
  kDevice,
  kFlag,
};

struct JobKey {
  std::string_view name;
  JobValueKind kind;
  double lo = 0;
  double hi = 0;
  std::span<const std::string_view> words = {};
};

// The keys of a clip: those of a Request, width and height for size, input_reference for image.
std::span<const JobKey> job_param_keys();
const JobKey* find_job_param(std::string_view name);

// The names that a template may hold in braces.
std::span<const std::string_view> job_template_fields();
// Why text is not a file name below the output folder, or "".
std::string template_problem(std::string_view text);
// ^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$
bool is_job_id(std::string_view text);

inline constexpr uint64_t kMaxJobSeed = (uint64_t{1} << 53) - 1;  // exact in every JSON reader
inline constexpr uint64_t kMaxJobs = 1'000'000;                   // also after expansion

struct JobValue {
  enum class Type { kInteger, kReal, kText, kFlag };
  Type type = Type::kText;
  uint64_t integer = 0;
  double real = 0;
  bool flag = false;
  std::string text;
};

// Reads the next value as what key takes; an error is noted and nothing returned. The value is
// consumed in every case. Only malformed JSON throws.
std::optional<JobValue> read_job_value(const JobKey& key, JsonReader& reader,
                                       JobFileErrors& errors);
// Consumes any value.
void skip_json_value(JsonReader& reader);

// The value as a request's JSON has it.
Json job_value_json(const JobValue& value);
// The value from a command line's KEY=VALUE. Throws Error(kUsage).
JobValue parse_job_value(const JobKey& key, const std::string& text);

}  // namespace genvid
