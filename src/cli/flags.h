// Flags that set fields of a Request. Their values are parsed at once, strictly, and laid over a
// preset (--config) afterwards, so that flags win.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "genvid/request.h"

namespace genvid::cli {

class RequestFlags {
 public:
  explicit RequestFlags(CLI::App& app) : app_(app) {}

  using Field = std::function<void(Request&)>;

  void text(const std::string& flag, std::string Request::*field, const std::string& help);
  void text(const std::string& flag, std::optional<std::string> Request::*field,
            const std::string& help);
  void number(const std::string& flag, std::optional<double> Request::*field,
              const std::string& help);
  void integer(const std::string& flag, std::optional<int> Request::*field, const std::string& help,
               int lo, int hi);
  void integer(const std::string& flag, int Request::*field, const std::string& help, int lo,
               int hi);
  void frames(const std::string& flag, const std::string& help);
  void seed(const std::string& flag, const std::string& help);
  void size(const std::string& flag, const std::string& help);
  void fps(const std::string& flag, const std::string& help);
  // Times and prompts, as often as needed; all such flags give one list.
  void prompt_times(const std::string& flag, const std::string& help, bool cut = false);
  void flag(const std::string& flag, bool Request::*field, bool value, const std::string& help);

  // The heading in --help for the flags that follow; empty = the usual one.
  void group(const std::string& heading) { group_ = heading; }

  // parse turns a value into what it sets, or throws.
  void custom(const std::string& flag, const std::string& help, const std::string& type,
              std::function<Field(const std::string&)> parse);

  void apply(Request& request) const;

 private:
  CLI::App& app_;
  std::string group_;
  std::string prompt_times_;
  std::vector<Field> fields_;
};

// Throws Error(kUsage): "--steps is "x", expected ...".
[[noreturn]] void bad_value(const std::string& flag, const std::string& value,
                            const std::string& expected);

}  // namespace genvid::cli
