#include "jobs/job_file_fields.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/log.h"
#include "core/suggest.h"

namespace genvid {
namespace {

using Type = JsonReader::Type;

constexpr std::array<std::string_view, 7> kJobKeys = {"id",    "enabled", "priority",  "repeat",
                                                      "after", "sweep",   "sweep_mode"};
constexpr std::array<std::string_view, 2> kModes = {"product", "zip"};
constexpr std::array<std::string_view, 3> kOnExist = {"skip", "overwrite", "fail"};

constexpr JobKey kEnabled{"enabled", JobValueKind::kFlag};
constexpr JobKey kPriority{"priority", JobValueKind::kInteger, -1e6, 1e6};
constexpr JobKey kRepeat{"repeat", JobValueKind::kInteger, 1, static_cast<double>(kMaxJobs)};
constexpr JobKey kSweepMode{"sweep_mode", JobValueKind::kWord, 0, 0, kModes};
constexpr JobKey kVersion{"genvid", JobValueKind::kInteger, 1, 1};
constexpr JobKey kOutputDir{"output_dir", JobValueKind::kPath};
constexpr JobKey kTemplate{"output_template", JobValueKind::kTemplate};
constexpr JobKey kExist{"on_exist", JobValueKind::kWord, 0, 0, kOnExist};
constexpr JobKey kRetries{"retries", JobValueKind::kInteger, 0, 10};
constexpr JobKey kFailFast{"fail_fast", JobValueKind::kFlag};
constexpr JobKey kKeepLatents{"keep_latents", JobValueKind::kFlag};
constexpr std::array<std::string_view, 10> kFileKeys = {
    "genvid",  "$schema",   "output_dir",   "output_template", "on_exist",
    "retries", "fail_fast", "keep_latents", "defaults",        "jobs"};

std::string shown(std::string_view key) { return "\"" + log::printable(key.substr(0, 60)) + "\""; }

// What the command line and other tools call a key.
std::string hint_for(std::string_view key, std::span<const std::string_view> known) {
  static constexpr std::pair<std::string_view, const char*> kOtherNames[] = {
      {"frames", "num_frames"},
      {"steps", "num_inference_steps"},
      {"shift", "flow_shift"},
      {"cfg", "guidance_scale"},
      {"out", "output"},
      {"negative", "negative_prompt"},
      {"duration", "seconds"},
      {"count", "repeat"},
      {"last_frame", "last_image"},
      {"sampler", "scheduler"},
      {"depends_on", "after"},
      {"name", "id"},
  };
  for (const auto& [other, ours] : kOtherNames) {
    if (key == other && std::find(known.begin(), known.end(), ours) != known.end()) {
      return std::string("; did you mean \"") + ours + "\"?";
    }
  }
  if (key == "overwrite") return "; the file's \"on_exist\" says what happens to existing files";
  return did_you_mean(key, known);
}

std::vector<std::string_view> param_names(std::span<const std::string_view> more) {
  std::vector<std::string_view> names;
  for (const JobKey& key : job_param_keys()) names.push_back(key.name);
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

uint64_t bit_of(const JobKey* key) { return uint64_t{1} << (key - job_param_keys().data()); }

uint64_t bits_of(std::initializer_list<std::string_view> keys) {
  uint64_t bits = 0;
  for (const std::string_view key : keys) bits |= bit_of(find_job_param(key));
  return bits;
}

// Keys of one object that exclude or need each other.
void check_combination(uint64_t seen, size_t position, JobFileErrors& errors) {
  static const uint64_t kLength = bits_of({"seconds", "num_frames"});
  static const uint64_t kSides = bits_of({"width", "height"});
  static const uint64_t kSize = bits_of({"size"});
  static const uint64_t kImage = bits_of({"image", "input_reference"});
  if ((seen & kLength) == kLength) {
    errors.add(position, "\"seconds\" and \"num_frames\" are both given; give one");
  }
  if ((seen & kSize) && (seen & kSides)) {
    errors.add(position, "\"size\" and \"width\", \"height\" are both given; give one");
  }
  if ((seen & kSides) && (seen & kSides) != kSides) {
    errors.add(position, "\"width\" and \"height\" go together; one is missing");
  }
  if ((seen & kImage) == kImage) {
    errors.add(position, "\"image\" and \"input_reference\" are the same; give one");
  }
}

// False, and consumed, when the value is no object.
bool require_object(JsonReader& reader, JobFileErrors& errors, const std::string& what) {
  if (reader.peek() == Type::kObject) return true;
  errors.add(reader.last_position(), what + " must be an object in {braces}");
  skip_json_value(reader);
  return false;
}

bool require_list(JsonReader& reader, JobFileErrors& errors, const std::string& what) {
  if (reader.peek() == Type::kArray) return true;
  errors.add(reader.last_position(), what + " must be a list in [brackets]");
  skip_json_value(reader);
  return false;
}

// A key of a layer: true when it was one, with its value consumed.
bool read_param(const std::string& name, JsonReader& reader, JobFileErrors& errors,
                JobLayer& layer) {
  const JobKey* key = find_job_param(name);
  if (key == nullptr) return false;
  if (layer.seen & bit_of(key)) {
    errors.add(reader.last_position(), "duplicate key " + shown(name));
    skip_json_value(reader);
    return true;
  }
  layer.seen |= bit_of(key);
  if (auto value = read_job_value(*key, reader, errors)) {
    layer.values.emplace_back(key, std::move(*value));
  }
  return true;
}

void read_sweep_values(JsonReader& reader, JobFileErrors& errors, JobSweep& sweep) {
  if (!require_list(reader, errors, "what \"sweep\" says of " + shown(sweep.key->name))) return;
  const size_t start = reader.last_position();
  std::set<std::string> seen;
  size_t count = 0;
  reader.begin_array();
  while (reader.next_item()) {
    ++count;
    auto value = read_job_value(*sweep.key, reader, errors);
    if (!value) continue;
    if (!seen.insert(job_value_json(*value).dump()).second) {
      errors.add(reader.last_position(),
                 "a value of the sweep over " + shown(sweep.key->name) + " is given twice");
    }
    sweep.values.push_back(std::move(*value));
  }
  if (count == 0) errors.add(start, "the sweep over " + shown(sweep.key->name) + " is empty");
}

void read_sweep(JsonReader& reader, JobFileErrors& errors, std::vector<JobSweep>& sweep) {
  if (!require_object(reader, errors, "\"sweep\"")) return;
  const size_t start = reader.last_position();
  uint64_t seen = 0;
  std::string name;
  size_t count = 0;
  reader.begin_object();
  while (reader.next_key(name)) {
    ++count;
    const JobKey* key = find_job_param(name);
    if (key == nullptr) {
      errors.add(reader.last_position(),
                 "unknown key " + shown(name) + " in \"sweep\"" + hint_for(name, param_names({})));
      skip_json_value(reader);
    } else if (seen & bit_of(key)) {
      errors.add(reader.last_position(), "duplicate key " + shown(name));
      skip_json_value(reader);
    } else {
      seen |= bit_of(key);
      sweep.push_back({key, {}});
      read_sweep_values(reader, errors, sweep.back());
    }
  }
  if (count == 0) errors.add(start, "\"sweep\" is empty; name a key with a list of values");
  check_combination(seen, start, errors);
}

void read_after(JsonReader& reader, JobFileErrors& errors, JobFields& job) {
  if (!require_list(reader, errors, "\"after\"")) return;
  reader.begin_array();
  while (reader.next_item()) {
    if (reader.peek() != Type::kString) {
      errors.add(reader.last_position(), "\"after\" lists ids of other jobs, as text");
      skip_json_value(reader);
      continue;
    }
    const size_t position = reader.last_position();
    job.after.emplace_back(position, reader.read_string());
    if (!is_job_id(job.after.back().second)) {
      errors.add(position, shown(job.after.back().second) + " is not an id");
      job.after.pop_back();
    }
  }
}

void read_id(JsonReader& reader, JobFileErrors& errors, std::string& id) {
  const Type type = reader.peek();
  const size_t position = reader.last_position();
  if (type != Type::kString) {
    skip_json_value(reader);
    errors.add(position, "\"id\" must be text");
    return;
  }
  id = reader.read_string();
  if (is_job_id(id)) return;
  errors.add(position, "the id " + shown(id) +
                           " must be 1 to 128 letters, digits, '.', '_' or '-', and begin with a "
                           "letter or digit");
  id.clear();
}

// A key of a job other than its parameters; which is its place in kJobKeys.
void read_job_key(size_t which, JsonReader& reader, JobFileErrors& errors, JobFields& job) {
  switch (which) {
    case 0:
      return read_id(reader, errors, job.id);
    case 1:
      if (const auto value = read_job_value(kEnabled, reader, errors)) job.enabled = value->flag;
      return;
    case 2:
      if (const auto value = read_job_value(kPriority, reader, errors)) {
        job.priority = static_cast<int>(static_cast<int64_t>(value->integer));
      }
      return;
    case 3:
      if (const auto value = read_job_value(kRepeat, reader, errors)) job.repeat = value->integer;
      return;
    case 4:
      return read_after(reader, errors, job);
    case 5:
      return read_sweep(reader, errors, job.sweep);
    default:
      if (const auto value = read_job_value(kSweepMode, reader, errors)) {
        job.zip = value->text == "zip";
      }
  }
}

void check_zip(const JobFields& job, size_t position, JobFileErrors& errors) {
  if (!job.zip) return;
  for (const JobSweep& sweep : job.sweep) {
    if (sweep.values.size() != job.sweep.front().values.size()) {
      errors.add(position, "sweep_mode \"zip\" needs lists of one length; " +
                               shown(job.sweep.front().key->name) + " has " +
                               std::to_string(job.sweep.front().values.size()) + " values, " +
                               shown(sweep.key->name) + " has " +
                               std::to_string(sweep.values.size()));
      return;
    }
  }
}

}  // namespace

void read_job_layer(JsonReader& reader, JobFileErrors& errors, JobLayer& layer) {
  if (!require_object(reader, errors, "\"defaults\"")) return;
  const size_t start = reader.last_position();
  std::string name;
  reader.begin_object();
  while (reader.next_key(name)) {
    if (read_param(name, reader, errors, layer)) continue;
    const bool of_job = std::find(kJobKeys.begin(), kJobKeys.end(), name) != kJobKeys.end();
    errors.add(reader.last_position(),
               of_job ? shown(name) + " belongs to a job, not to \"defaults\""
                      : "unknown key " + shown(name) + hint_for(name, param_names({})));
    skip_json_value(reader);
  }
  check_combination(layer.seen, start, errors);
}

void read_job_fields(JsonReader& reader, JobFileErrors& errors, JobFields& job) {
  if (!require_object(reader, errors, "a job")) return;
  const size_t start = reader.last_position();
  const size_t noted = errors.count();
  unsigned seen = 0;
  std::string name;
  reader.begin_object();
  while (reader.next_key(name)) {
    if (read_param(name, reader, errors, job.params)) continue;
    const size_t which =
        static_cast<size_t>(std::find(kJobKeys.begin(), kJobKeys.end(), name) - kJobKeys.begin());
    if (which == kJobKeys.size()) {
      errors.add(reader.last_position(),
                 "unknown key " + shown(name) + hint_for(name, param_names(kJobKeys)));
      skip_json_value(reader);
    } else if (seen & (1u << which)) {
      errors.add(reader.last_position(), "duplicate key " + shown(name));
      skip_json_value(reader);
    } else {
      seen |= 1u << which;
      read_job_key(which, reader, errors, job);
    }
  }
  check_combination(job.params.seen, start, errors);
  if ((seen & (1u << 6)) && !(seen & (1u << 5))) {
    errors.add(start, "\"sweep_mode\" is given without \"sweep\"");
  }
  if (errors.count() == noted) check_zip(job, start, errors);
}

bool read_file_setting(const std::string& key, JsonReader& reader, JobFileErrors& errors,
                       JobFileSettings& settings, JobLayer& defaults) {
  const auto read = [&](const JobKey& spec) { return read_job_value(spec, reader, errors); };
  if (key == "genvid") {
    read(kVersion);
  } else if (key == "$schema") {
    read(JobKey{"$schema", JobValueKind::kText});
  } else if (key == "output_dir") {
    if (auto value = read(kOutputDir)) settings.output_dir = value->text;
  } else if (key == "output_template") {
    if (auto value = read(kTemplate)) settings.output_template = value->text;
  } else if (key == "on_exist") {
    if (auto value = read(kExist)) {
      settings.on_exist = value->text == "skip"        ? OnExist::kSkip
                          : value->text == "overwrite" ? OnExist::kOverwrite
                                                       : OnExist::kFail;
    }
  } else if (key == "retries") {
    if (auto value = read(kRetries)) settings.retries = static_cast<int>(value->integer);
  } else if (key == "fail_fast") {
    if (auto value = read(kFailFast)) settings.fail_fast = value->flag;
  } else if (key == "keep_latents") {
    if (auto value = read(kKeepLatents)) settings.keep_latents = value->flag;
  } else if (key == "defaults") {
    read_job_layer(reader, errors, defaults);
  } else {
    const bool param = find_job_param(key) != nullptr;
    errors.add(reader.last_position(),
               param ? shown(key) + " belongs into \"defaults\" or a job"
                     : "unknown key " + shown(key) + hint_for(key, kFileKeys));
    skip_json_value(reader);
    return false;
  }
  return true;
}

std::string automatic_job_id(const JobFields& job) {
  uint64_t hash = plain_hash("");
  std::string slug;
  const auto mix = [&](const JobKey* key, const JobValue& value) {
    hash = plain_hash(key->name, hash);
    hash =
        plain_hash(value.type == JobValue::Type::kText ? value.text : job_value_json(value).dump(),
                   hash ^ 0x9e3779b97f4a7c15ull);
  };
  for (const auto& [key, value] : job.params.values) {
    mix(key, value);
    if (key->name != "prompt") continue;
    for (const char c : value.text) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      const bool upper = c >= 'A' && c <= 'Z';
      if (letter || upper) slug += upper ? static_cast<char>(c - 'A' + 'a') : c;
      if (!letter && !upper && !slug.empty() && slug.back() != '-') slug += '-';
      if (slug.size() >= 32) break;
    }
  }
  for (const JobSweep& sweep : job.sweep) {
    for (const JobValue& value : sweep.values) mix(sweep.key, value);
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  char digits[20];
  std::snprintf(digits, sizeof(digits), "%012llx",
                static_cast<unsigned long long>(hash & 0xffffffffffffull));
  return (slug.empty() ? "job" : slug) + "-" + digits;
}

}  // namespace genvid
