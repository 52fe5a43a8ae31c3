#include "jobs/job_file_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "core/limits.h"
#include "core/log.h"
#include "core/parse_values.h"
#include "core/prompt_times.h"
#include "core/suggest.h"

namespace genvid {
namespace {

using Kind = JobValueKind;
using Type = JsonReader::Type;

constexpr std::array<std::string_view, 4> kSchedulers = {"unipc", "euler", "euler-even", "renoise"};
constexpr std::array<std::string_view, 3> kDtypes = {"auto", "fp32", "bf16"};
constexpr std::array<std::string_view, 8> kRollouts = {
    "auto", "window", "overlap", "loop", "continue", "extend", "diffusion-forcing", "causal"};
constexpr std::array<std::string_view, 2> kNoises = {"philox", "torch"};
constexpr std::array<std::string_view, 5> kRates = {"24000/1001", "30000/1001", "48000/1001",
                                                    "60000/1001", "120000/1001"};
constexpr std::array<std::string_view, 4> kFields = {"id", "index", "seed", "hash8"};

constexpr double kMostFrames = static_cast<double>(limits::kMaxFrames);
constexpr std::array kKeys = {
    JobKey{"prompt", Kind::kPrompt},
    JobKey{"negative_prompt", Kind::kText},
    JobKey{"prompt_at", Kind::kPrompts},
    JobKey{"model", Kind::kPath},
    JobKey{"output", Kind::kTemplate},
    JobKey{"seconds", Kind::kNumber, 0.001, kMostFrames},
    JobKey{"num_frames", Kind::kInteger, 1, kMostFrames},
    JobKey{"size", Kind::kSize},
    JobKey{"width", Kind::kInteger, limits::kMinSide, limits::kMaxSide},
    JobKey{"height", Kind::kInteger, limits::kMinSide, limits::kMaxSide},
    JobKey{"fps", Kind::kRate, 1, limits::kMaxFps},
    JobKey{"image", Kind::kPath},
    JobKey{"input_reference", Kind::kPath},
    JobKey{"last_image", Kind::kPath},
    JobKey{"extend", Kind::kPath},
    JobKey{"only_new", Kind::kFlag},
    JobKey{"num_inference_steps", Kind::kInteger, 1, limits::kMaxSteps},
    JobKey{"guidance_scale", Kind::kNumber, 0, 100},
    JobKey{"guidance_scale_2", Kind::kNumber, 0, 100},
    JobKey{"flow_shift", Kind::kNumber, 0.001, 1000},
    JobKey{"scheduler", Kind::kWord, 0, 0, kSchedulers},
    JobKey{"seed", Kind::kInteger, 0, static_cast<double>(kMaxJobSeed)},
    JobKey{"best_of", Kind::kInteger, 1, limits::kMaxCandidates},
    JobKey{"device", Kind::kDevice},
    JobKey{"dtype", Kind::kWord, 0, 0, kDtypes},
    JobKey{"vae_dtype", Kind::kWord, 0, 0, kDtypes},
    JobKey{"threads", Kind::kInteger, 0, 1024},
    JobKey{"noise", Kind::kWord, 0, 0, kNoises},
    JobKey{"rollout", Kind::kWord, 0, 0, kRollouts},
    JobKey{"overlap_history", Kind::kInteger, 1, kMostFrames},
    JobKey{"causal_block_size", Kind::kInteger, 1, 1024},
    JobKey{"ar_step", Kind::kInteger, 0, limits::kMaxSteps},
    JobKey{"addnoise_condition", Kind::kNumber, 0, 1000},
    JobKey{"init_latents", Kind::kPath},
    JobKey{"save_latents", Kind::kTemplate},
    JobKey{"codec", Kind::kWord},
    JobKey{"crf", Kind::kInteger, 0, 63},
    JobKey{"bitrate", Kind::kInteger, 1000, 1e9},
    JobKey{"pix_fmt", Kind::kWord},
    JobKey{"preset", Kind::kWord},
    JobKey{"encoder_options", Kind::kText},
    JobKey{"output_size", Kind::kSize},
    JobKey{"output_fps", Kind::kRate, 1, limits::kMaxFps},
    JobKey{"preview", Kind::kTemplate},
    JobKey{"watermark", Kind::kFlag},
    JobKey{"sign", Kind::kPath},
    JobKey{"cert", Kind::kPath},
    JobKey{"keep_unsigned", Kind::kFlag},
    JobKey{"history", Kind::kFlag},
    JobKey{"embed_prompt", Kind::kFlag},
    JobKey{"credits", Kind::kPrompt},
    JobKey{"likeness_consent", Kind::kPrompt},
};

std::string in_quotes(std::string_view text) {
  const bool cut = text.size() > 60;
  return "\"" + log::printable(text.substr(0, 60)) + (cut ? "..." : "") + "\"";
}

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.17g", value);
  char shorter[32];
  std::snprintf(shorter, sizeof(shorter), "%.12g", value);
  return std::stod(shorter) == value ? shorter : text;
}

const char* name_of(Type type) {
  switch (type) {
    case Type::kObject:
      return "an object";
    case Type::kArray:
      return "a list";
    case Type::kString:
      return "text";
    case Type::kNumber:
      return "a number";
    case Type::kBoolean:
      return "true or false";
    case Type::kNull:
      return "null (leave the key out instead)";
  }
  return "";
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

std::string list_of(std::span<const std::string_view> words) {
  std::string list;
  for (const std::string_view word : words) list += (list.empty() ? "" : ", ") + std::string(word);
  return list;
}

// auto, cpu, cuda or cuda:N with N up to 99.
bool is_device(std::string_view text) {
  if (text == "auto" || text == "cpu" || text == "cuda") return true;
  if (!text.starts_with("cuda:")) return false;
  const std::string_view n = text.substr(5);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return (n.size() == 1 && digit(n[0])) ||
         (n.size() == 2 && digit(n[0]) && n[0] != '0' && digit(n[1]));
}

bool is_size(std::string_view text) {
  const auto size = parse_size(text);
  const auto within = [](int side) { return side >= limits::kMinSide && side <= limits::kMaxSide; };
  return size && within(size->width) && within(size->height) && to_text(*size) == text;
}

std::string path_problem(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.size() > limits::kPathBytes) {
    return "has " + std::to_string(text.size()) + " bytes, at most " +
           std::to_string(limits::kPathBytes) + " are allowed";
  }
  return text.find('\0') != std::string_view::npos ? "holds a zero byte" : "";
}

std::string prompt_problem(std::string_view text, bool may_be_blank) {
  if (!may_be_blank && text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    return "is blank";
  if (text.size() > limits::kPromptBytes) {
    return "has " + std::to_string(text.size()) + " bytes, at most " +
           std::to_string(limits::kPromptBytes) + " are allowed";
  }
  return text.find('\0') != std::string_view::npos ? "holds a zero byte" : "";
}

std::string prompts_problem(std::string_view text) {
  if (std::string problem = prompt_problem(text, true); !problem.empty()) return problem;
  try {
    parse_prompt_times(text);
    return "";
  } catch (const Error& e) {
    return std::string("cannot be used: ") + e.what();
  }
}

// Why text is not a value of key, or "".
std::string text_problem(const JobKey& key, std::string_view text) {
  switch (key.kind) {
    case Kind::kPrompt:
    case Kind::kText:
      return prompt_problem(text, key.kind == Kind::kText);
    case Kind::kPrompts:
      return prompts_problem(text);
    case Kind::kPath:
      return path_problem(text);
    case Kind::kTemplate:
      return template_problem(text);
    case Kind::kSize:
      if (is_size(text)) return "";
      return "is " + in_quotes(text) +
             ", expected a size such as \"832x480\", each side in [16, 8192]";
    case Kind::kRate:
      if (std::find(kRates.begin(), kRates.end(), text) != kRates.end()) return "";
      return "is " + in_quotes(text) + ", expected a number, or one of " + list_of(kRates);
    case Kind::kDevice:
      if (is_device(text)) return "";
      return "is " + in_quotes(text) + ", expected auto, cpu, cuda or cuda:N";
    default:
      break;
  }
  if (key.words.empty())
    return is_word(text) ? "" : "is " + in_quotes(text) + ", expected a plain word";
  if (std::find(key.words.begin(), key.words.end(), text) != key.words.end()) return "";
  return "is " + in_quotes(text) + ", expected one of " + list_of(key.words) +
         did_you_mean(text, key.words);
}

std::string number_problem(const JobKey& key, double value) {
  const bool whole = key.kind == Kind::kInteger;
  if (value >= key.lo && value <= key.hi && (!whole || value == std::floor(value))) return "";
  return "is " + number_text(value) + ", expected " + (whole ? "an integer" : "a number") +
         " in [" + number_text(key.lo) + ", " + number_text(key.hi) + "]";
}

bool takes(Kind kind, Type type) {
  if (kind == Kind::kFlag) return type == Type::kBoolean;
  if (kind == Kind::kInteger || kind == Kind::kNumber) return type == Type::kNumber;
  if (kind == Kind::kRate && type == Type::kNumber) return true;
  return type == Type::kString;
}

const char* expected(Kind kind) {
  switch (kind) {
    case Kind::kFlag:
      return "true or false";
    case Kind::kInteger:
      return "an integer";
    case Kind::kNumber:
      return "a number";
    case Kind::kRate:
      return "a number, or text such as \"30000/1001\"";
    default:
      return "text";
  }
}

JobValue number_value(const JobKey& key, double real) {
  JobValue value;
  if (key.kind == Kind::kInteger) {
    value.type = JobValue::Type::kInteger;
    value.integer =
        static_cast<uint64_t>(static_cast<int64_t>(real));  // a priority may be negative
  } else {
    value.type = JobValue::Type::kReal;
    value.real = real == 0 ? 0.0 : real;  // no -0
  }
  return value;
}

double as_double(const JsonNumber& number) {
  if (number.kind == JsonNumber::Kind::kUnsigned) return static_cast<double>(number.u);
  if (number.kind == JsonNumber::Kind::kNegative) return static_cast<double>(number.i);
  return number.real;
}

}  // namespace

std::span<const JobKey> job_param_keys() { return kKeys; }
std::span<const std::string_view> job_template_fields() { return kFields; }

const JobKey* find_job_param(std::string_view name) {
  const auto it =
      std::find_if(kKeys.begin(), kKeys.end(), [&](const JobKey& key) { return key.name == name; });
  return it == kKeys.end() ? nullptr : &*it;
}

bool is_job_id(std::string_view text) {
  if (text.empty() || text.size() > 128 || text[0] == '.' || text[0] == '_' || text[0] == '-') {
    return false;
  }
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

std::string template_problem(std::string_view text) {
  if (std::string problem = path_problem(text); !problem.empty()) return problem;
  if (text.front() == '/' || text.back() == '/') {
    return "is " + in_quotes(text) + ", expected a file name below the output folder";
  }
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('/', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    if (part == "." || part == ".." || part.empty()) {
      return "is " + in_quotes(text) + ", which may not hold \"" + std::string(part) +
             "\" as a folder: files stay below the output folder";
    }
    at = end + 1;
  }
  for (size_t at = 0; (at = text.find_first_of("{}", at)) != std::string_view::npos;) {
    const size_t end = text.find('}', at);
    const std::string_view field =
        end == std::string_view::npos ? "" : text.substr(at + 1, std::max(end, at + 1) - at - 1);
    if (text[at] == '}' || std::find(kFields.begin(), kFields.end(), field) == kFields.end()) {
      return "is " + in_quotes(text) + ", whose {fields} may be " + list_of(kFields) +
             did_you_mean(field, kFields);
    }
    at = end + 1;
  }
  return "";
}

void skip_json_value(JsonReader& reader) {
  std::string key;
  switch (reader.peek()) {
    case Type::kObject:
      reader.begin_object();
      while (reader.next_key(key)) skip_json_value(reader);
      return;
    case Type::kArray:
      reader.begin_array();
      while (reader.next_item()) skip_json_value(reader);
      return;
    case Type::kString:
      reader.read_string();
      return;
    case Type::kNumber:
      reader.read_number();
      return;
    case Type::kBoolean:
      reader.read_boolean();
      return;
    case Type::kNull:
      reader.read_null();
  }
}

std::optional<JobValue> read_job_value(const JobKey& key, JsonReader& reader,
                                       JobFileErrors& errors) {
  const Type type = reader.peek();
  const size_t position = reader.last_position();
  const auto refuse = [&](const std::string& why) -> std::optional<JobValue> {
    errors.add(position, "\"" + std::string(key.name) + "\" " + why);
    return std::nullopt;
  };
  if (!takes(key.kind, type)) {
    skip_json_value(reader);
    return refuse(std::string("is ") + name_of(type) + ", expected " + expected(key.kind));
  }
  JobValue value;
  if (type == Type::kBoolean) {
    value.type = JobValue::Type::kFlag;
    value.flag = reader.read_boolean();
  } else if (type == Type::kNumber) {
    const double real = as_double(reader.read_number());
    if (std::string why = number_problem(key, real); !why.empty()) return refuse(why);
    value = number_value(key, real);
  } else {
    value.text = reader.read_string();
    if (std::string why = text_problem(key, value.text); !why.empty()) return refuse(why);
  }
  return value;
}

Json job_value_json(const JobValue& value) {
  switch (value.type) {
    case JobValue::Type::kInteger:
      return value.integer;
    case JobValue::Type::kReal:
      return value.real;
    case JobValue::Type::kFlag:
      return value.flag;
    case JobValue::Type::kText:
      break;
  }
  return value.text;
}

JobValue parse_job_value(const JobKey& key, const std::string& text) {
  JobValue value;
  std::string why;
  const auto number = parse_number(text);
  const bool numeric = key.kind == Kind::kInteger || key.kind == Kind::kNumber ||
                       (key.kind == Kind::kRate && number);
  if (key.kind == Kind::kFlag) {
    value.type = JobValue::Type::kFlag;
    value.flag = text == "true";
    if (text != "true" && text != "false")
      why = "is " + in_quotes(text) + ", expected true or false";
  } else if (numeric) {
    why = number ? number_problem(key, *number)
                 : "is " + in_quotes(text) + ", expected " + expected(key.kind);
    if (why.empty()) value = number_value(key, *number);
  } else {
    why = text_problem(key, text);
    value.text = text;
  }
  if (!why.empty()) throw Error(ErrorKind::kUsage, "--set " + std::string(key.name) + " " + why);
  return value;
}

}  // namespace genvid
