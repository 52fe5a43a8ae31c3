#include "unit/layout/source_tree_helper.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

namespace genvid::test {
namespace {

namespace fs = std::filesystem;

std::optional<Include> read_include(const std::string& line, size_t number) {
  size_t at = line.find_first_not_of(" \t");
  if (at == std::string::npos || line[at] != '#') return std::nullopt;
  at = line.find_first_not_of(" \t", at + 1);
  if (at == std::string::npos || line.compare(at, 7, "include") != 0) return std::nullopt;
  at = line.find_first_of("<\"", at);
  if (at == std::string::npos) return std::nullopt;
  const char close = line[at] == '<' ? '>' : '"';
  const size_t end = line.find(close, at + 1);
  if (end == std::string::npos) return std::nullopt;
  return Include{line.substr(at + 1, end - at - 1), close == '>', number};
}

SourceFile read_source(const fs::path& path, const fs::path& root) {
  SourceFile file;
  file.path = path.lexically_relative(root).generic_string();
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    file.lines.push_back(line);
    if (auto include = read_include(line, file.lines.size())) {
      file.includes.push_back(std::move(*include));
    }
  }
  return file;
}

}  // namespace

std::vector<SourceFile> source_files(const std::vector<std::string>& folders) {
  const fs::path root = GENVID_SOURCE_DIR;
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string suffix = entry.path().extension().string();
      const bool source = suffix == ".h" || suffix == ".cpp" || suffix == ".cu" || suffix == ".cuh";
      if (entry.is_regular_file() && source) files.push_back(read_source(entry.path(), root));
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

}  // namespace genvid::test
