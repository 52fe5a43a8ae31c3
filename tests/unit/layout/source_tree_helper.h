// The project's own source files, for tests that read them.
#pragma once

#include <string>
#include <vector>

namespace genvid::test {

struct Include {
  std::string path;
  bool angled = false;  // <path>, else "path"
  size_t line = 0;
};

struct SourceFile {
  std::string path;  // from the root, e.g. "src/core/json.h"
  std::vector<std::string> lines;
  std::vector<Include> includes;

  bool header() const { return path.ends_with(".h"); }
};

// Every .h, .cpp, .cu and .cuh below the folders, sorted by path.
std::vector<SourceFile> source_files(const std::vector<std::string>& folders);

}  // namespace genvid::test
