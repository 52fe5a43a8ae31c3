// Runs build/genvid as a user does and keeps what it printed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace genvid::e2e {

struct Result {
  int code = -1;  // 128 + signal when it was killed
  std::string out;
  std::string err;
};

// Environment additions are "NAME=value".
Result run_program(const std::string& program, const std::vector<std::string>& args,
                   const std::string& input = "", const std::vector<std::string>& environment = {});

// build/genvid, with the models of the source tree.
Result genvid(const std::vector<std::string>& args, const std::string& input = "",
              const std::vector<std::string>& environment = {});

// A fresh folder below the build folder, removed at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Words as a name that gtest takes for a test; folders in front of a model's name are left out.
std::string test_name(const std::vector<std::string>& words);

std::string models(const std::string& name);  // folder of a model in the tree
std::string read_bytes(const std::filesystem::path& path);

}  // namespace genvid::e2e
