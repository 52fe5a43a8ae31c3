// All that is wrong with a job file, found in one pass and told with line and column.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace genvid {

class JobFileErrors {
 public:
  // position: bytes from the start of the text that set_base() names.
  void add(size_t position, std::string message);
  // A JsonReader built with an empty name over text from base on has thrown.
  void add_syntax(std::string_view text, const Error& error);
  // Where the text that is read now starts in the file.
  void set_base(size_t base) { base_ = base; }

  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  // Error(kUsage): one line each, in the order of the file, at most 50.
  [[noreturn]] void raise(std::string_view text, std::string_view name) const;

 private:
  struct Item {
    size_t position;
    std::string message;
  };
  std::vector<Item> items_;
  size_t count_ = 0;
  size_t base_ = 0;
};

// Lines and columns count from 1; columns in bytes.
struct TextPlace {
  size_t line = 1;
  size_t column = 1;
};
TextPlace place_of(std::string_view text, size_t position);

}  // namespace genvid
