#include "cli/flags.h"

#include "core/log.h"
#include "core/parse_values.h"
#include "core/prompt_times.h"
#include "genvid/error.h"

namespace genvid::cli {

void bad_value(const std::string& flag, const std::string& value, const std::string& expected) {
  throw Error(ErrorKind::kUsage,
              flag + " is \"" + log::printable(value.substr(0, 64)) + "\", expected " + expected);
}

void RequestFlags::custom(const std::string& flag, const std::string& help, const std::string& type,
                          std::function<Field(const std::string&)> parse) {
  const auto set = [this, parse = std::move(parse)](const std::string& value) {
    fields_.push_back(parse(value));
  };
  CLI::Option* option = app_.add_option_function<std::string>(flag, set, help)->type_name(type);
  if (!group_.empty()) option->group(group_);
}

void RequestFlags::text(const std::string& flag, std::string Request::*field,
                        const std::string& help) {
  custom(flag, help, "TEXT",
         [=](const std::string& v) { return [=](Request& r) { r.*field = v; }; });
}

void RequestFlags::text(const std::string& flag, std::optional<std::string> Request::*field,
                        const std::string& help) {
  custom(flag, help, "TEXT",
         [=](const std::string& v) { return [=](Request& r) { r.*field = v; }; });
}

void RequestFlags::number(const std::string& flag, std::optional<double> Request::*field,
                          const std::string& help) {
  custom(flag, help, "NUMBER", [=](const std::string& v) {
    const auto value = parse_number(v);
    if (!value) bad_value(flag, v, "a number");
    return [=](Request& r) { r.*field = *value; };
  });
}

namespace {

int whole(const std::string& flag, const std::string& text, int lo, int hi) {
  const auto value = parse_integer(text);
  if (!value || *value < lo || *value > hi) {
    bad_value(flag, text,
              "a whole number from " + std::to_string(lo) + " to " + std::to_string(hi));
  }
  return static_cast<int>(*value);
}

}  // namespace

void RequestFlags::integer(const std::string& flag, std::optional<int> Request::*field,
                           const std::string& help, int lo, int hi) {
  custom(flag, help, "N", [=](const std::string& v) {
    const int value = whole(flag, v, lo, hi);
    return [=](Request& r) { r.*field = value; };
  });
}

void RequestFlags::integer(const std::string& flag, int Request::*field, const std::string& help,
                           int lo, int hi) {
  custom(flag, help, "N", [=](const std::string& v) {
    const int value = whole(flag, v, lo, hi);
    return [=](Request& r) { r.*field = value; };
  });
}

void RequestFlags::frames(const std::string& flag, const std::string& help) {
  custom(flag, help, "N", [=](const std::string& v) {
    const auto value = parse_integer(v);
    if (!value) bad_value(flag, v, "a whole number");
    return [=](Request& r) { r.frames = *value; };
  });
}

void RequestFlags::seed(const std::string& flag, const std::string& help) {
  custom(flag, help, "N", [=](const std::string& v) {
    const auto value = parse_unsigned(v);
    if (!value) bad_value(flag, v, "a whole number from 0 to 18446744073709551615");
    return [=](Request& r) { r.seed = *value; };
  });
}

void RequestFlags::size(const std::string& flag, const std::string& help) {
  custom(flag, help, "WxH", [=](const std::string& v) {
    const auto value = parse_size(v);
    if (!value) bad_value(flag, v, "WIDTHxHEIGHT, e.g. 832x480");
    return [=](Request& r) { r.size = *value; };
  });
}

void RequestFlags::fps(const std::string& flag, const std::string& help) {
  custom(flag, help, "R", [=](const std::string& v) {
    const auto value = parse_rate(v);
    if (!value) bad_value(flag, v, "frames a second, e.g. 24 or 30000/1001");
    return [=](Request& r) { r.fps = *value; };
  });
}

void RequestFlags::prompt_times(const std::string& flag, const std::string& help, bool cut) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  const auto set = [this, flag, cut](const Pairs& pairs) {
    std::string lines;
    for (const auto& [time, prompt] : pairs) {
      // The parser takes two words, whatever they are.
      if (prompt.starts_with("--")) bad_value(flag + " " + time, prompt, "a prompt in quotes");
      lines += prompt_time_line(time, prompt, cut);
    }
    prompt_times_ = merge_prompt_times(prompt_times_, lines);
    fields_.push_back([this](Request& r) { r.prompt_at = prompt_times_; });
  };
  CLI::Option* option = app_.add_option_function<Pairs>(flag, set, help)->type_name("TIME PROMPT");
  option->allow_extra_args(false);  // the next word may be the prompt
  if (!group_.empty()) option->group(group_);
}

void RequestFlags::flag(const std::string& flag, bool Request::*field, bool value,
                        const std::string& help) {
  CLI::Option* option = app_.add_flag_callback(
      flag, [=, this] { fields_.push_back([=](Request& r) { r.*field = value; }); }, help);
  if (!group_.empty()) option->group(group_);
}

void RequestFlags::apply(Request& request) const {
  for (const Field& field : fields_) field(request);
}

}  // namespace genvid::cli
