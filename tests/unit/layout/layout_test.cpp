// The tree keeps to its own rules: who includes whom, what shared code may name, how long files
// get. A failure lists every offender.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "unit/layout/source_tree_helper.h"

namespace genvid::test {
namespace {

using Modules = std::set<std::string>;

// "src/core/json.h" -> "core"; "include/genvid/x.h" -> "genvid"; a family's folder is
// "families/<f>", the shared files above them are "families".
std::string module_of(const std::string& path) {
  std::vector<std::string> parts;
  std::stringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) parts.push_back(part);
  if (parts[0] == "include") return "genvid";
  if (parts[0] == "src") parts.erase(parts.begin());
  if (parts[0] == "families" && parts.size() > 2) return "families/" + parts[1];
  return parts[0];
}

bool in_family(const std::string& module) { return module.starts_with("families/"); }

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The torch-free half of a family and of what families share, which the front links too. The other
// half of what they share is family.h with find_family.cpp.
bool describes(const std::string& path) {
  const std::string name = file_name(path);
  const std::string module = module_of(path);
  if (module == "families") return name != "family.h" && name != "find_family.cpp";
  return in_family(module) && (name.starts_with("describe") || name.starts_with("config"));
}

// What a module may include besides itself and include/genvid.
const std::map<std::string, Modules>& allowed() {
  static const Modules engine = {"core", "tensor",    "kernels",     "weights", "nn",
                                 "text", "diffusion", "distributed", "families"};
  static const std::map<std::string, Modules> table = {
      {"genvid", {}},
      {"core", {}},
      {"text", {"core"}},
      {"media", {"core"}},
      {"quality", {"core"}},
      {"jobs", {"core", "text", "media", "families"}},
      {"film", {"core", "text", "media", "families", "jobs"}},
      {"cli", {"core", "text", "media", "quality", "families", "jobs", "film"}},
      {"tensor", {"core"}},
      {"kernels", {"core", "tensor"}},
      {"weights", {"core", "tensor"}},
      {"nn", {"core", "tensor", "kernels", "weights"}},
      {"distributed", {"core", "tensor", "kernels"}},
      {"diffusion", {"core", "tensor", "kernels", "weights", "nn"}},
      {"families", {"core"}},
      {"pipeline", engine},
  };
  return table;
}

const Modules& allowed_for(const SourceFile& file) {
  static const Modules description = {"core", "families"};
  static const Modules network = {"core", "tensor", "kernels",   "weights",
                                  "nn",   "text",   "diffusion", "families"};
  static const Modules none;
  if (describes(file.path)) return description;
  const std::string module = module_of(file.path);
  if (in_family(module)) return network;
  static const Modules factories = {"core", "tensor", "diffusion", "families"};
  if (module == "families") return factories;
  const auto found = allowed().find(module);
  return found == allowed().end() ? none : found->second;
}

bool front(const SourceFile& file) {
  static const Modules folders = {"genvid", "core", "text", "media", "jobs", "film", "cli"};
  return folders.contains(module_of(file.path)) || describes(file.path);
}

std::string at(const SourceFile& file, size_t line) {
  return "  " + file.path + ":" + std::to_string(line);
}

TEST(Layout, EveryModuleHasItsRule) {
  for (const SourceFile& file : source_files({"src"})) {
    const std::string module = module_of(file.path);
    EXPECT_TRUE(in_family(module) || allowed().contains(module))
        << file.path << ": add src/" << module << " to the table in this test and to the design";
  }
}

TEST(Layout, IncludesFollowTheArrows) {
  std::string offenders;
  for (const SourceFile& file : source_files({"src", "include"})) {
    const std::string own = module_of(file.path);
    for (const Include& include : file.includes) {
      if (include.angled) continue;
      const std::string theirs = module_of(include.path);
      if (theirs == own || theirs == "genvid" || allowed_for(file).contains(theirs)) continue;
      offenders += at(file, include.line) + " includes " + include.path + "\n";
    }
  }
  EXPECT_TRUE(offenders.empty()) << "not allowed:\n" << offenders;
}

TEST(Layout, TheFrontSeesOnlyTheTorchFreeHalfOfFamilies) {
  std::string offenders;
  for (const SourceFile& file : source_files({"src"})) {
    for (const Include& include : file.includes) {
      if (include.angled || !include.path.starts_with("families/")) continue;
      if (front(file) && !describes(include.path)) {
        offenders += at(file, include.line) + " includes " + include.path + "\n";
      }
    }
  }
  EXPECT_TRUE(offenders.empty()) << "not torch-free:\n" << offenders;
}

// Shared code reaches a family through the registries alone.
TEST(Layout, NobodyIncludesAFamilyFromOutside) {
  for (const SourceFile& file : source_files({"src", "include"})) {
    for (const Include& include : file.includes) {
      const std::string theirs = module_of(include.path);
      EXPECT_TRUE(include.angled || !in_family(theirs) || theirs == module_of(file.path))
          << at(file, include.line) << " includes " << include.path;
    }
  }
}

TEST(Layout, LibrariesStayWhereTheyBelong) {
  struct Owner {
    const char* prefix;
    Modules modules;
  };
  const std::vector<Owner> owners = {
      {"libav", {"media"}},          {"libsw", {"media"}},  {"sentencepiece", {"text"}},
      {"google/protobuf", {"text"}}, {"spdlog/", {"core"}}, {"CLI/", {"cli"}},
      {"openssl/", {"media"}},
  };
  std::string offenders;
  for (const SourceFile& file : source_files({"src", "include"})) {
    for (const Include& include : file.includes) {
      const std::string& path = include.path;
      const bool torch = path.starts_with("ATen/") || path.starts_with("c10/") ||
                         path.starts_with("torch/") || path.starts_with("caffe2/") ||
                         path.starts_with("cuda");
      if (torch && front(file)) offenders += at(file, include.line) + " includes " + path + "\n";
      for (const Owner& owner : owners) {
        if (path.starts_with(owner.prefix) && !owner.modules.contains(module_of(file.path))) {
          offenders += at(file, include.line) + " includes " + path + "\n";
        }
      }
    }
  }
  EXPECT_TRUE(offenders.empty()) << "not allowed there:\n" << offenders;
}

TEST(Layout, PublicHeadersNeedNothingButTheStandardLibrary) {
  const auto files = source_files({"include"});
  ASSERT_FALSE(files.empty());
  for (const SourceFile& file : files) {
    for (const Include& include : file.includes) {
      const bool standard = include.angled && include.path.find_first_of("./") == std::string::npos;
      EXPECT_TRUE(standard || (!include.angled && include.path.starts_with("genvid/")))
          << at(file, include.line) << " includes " << include.path;
    }
  }
}

// They cost 13 s and 1.3 GB of compiler per file; per-operator headers a third.
TEST(Layout, NobodyIncludesAllOfTorch) {
  for (const SourceFile& file : source_files({"src", "include", "tests"})) {
    for (const Include& include : file.includes) {
      EXPECT_TRUE(include.path != "torch/torch.h" && include.path != "ATen/ATen.h" &&
                  include.path != "torch/all.h" && include.path != "torch/extension.h")
          << at(file, include.line) << " includes " << include.path;
    }
  }
}

bool word_char(const std::string& line, size_t i) {
  return i < line.size() && (std::isalnum(static_cast<unsigned char>(line[i])) || line[i] == '_');
}

// As grep -iE '\bNAME(2[0-9]*)?\b|\bNAME_' does.
bool names_family(const std::string& line, const std::string& family) {
  std::string lower = line;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (size_t i = lower.find(family); i != std::string::npos; i = lower.find(family, i + 1)) {
    if (i > 0 && word_char(lower, i - 1)) continue;
    size_t end = i + family.size();
    if (end < lower.size() && lower[end] == '_') return true;
    if (end < lower.size() && lower[end] == '2') {
      while (end < lower.size() && std::isdigit(static_cast<unsigned char>(lower[end]))) ++end;
    }
    if (!word_char(lower, end)) return true;
  }
  return false;
}

TEST(Layout, TheNameSearchFindsNames) {
  for (const char* line :
       {"wan", "a Wan2.2 model", "x = wan_y;", "WAN22", "\"wan\"", "wan2_x(wan)"}) {
    EXPECT_TRUE(names_family(line, "wan")) << line;
  }
  for (const char* line : {"want", "swan", "a_wan", "wander", "wan3x", "taiwan_x", ""}) {
    EXPECT_FALSE(names_family(line, "wan")) << line;
  }
}

TEST(Layout, SharedCodeKnowsNoFamilyName) {
  std::set<std::string> families;
  const std::filesystem::path root = std::filesystem::path(GENVID_SOURCE_DIR) / "src/families";
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.is_directory()) families.insert(entry.path().filename().string());
  }
  ASSERT_FALSE(families.empty());
  for (const SourceFile& file : source_files({"src", "include"})) {
    if (file.path.starts_with("src/families/")) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      for (const std::string& family : families) {
        EXPECT_FALSE(names_family(file.lines[i], family))
            << at(file, i + 1) << " names " << family << ": " << file.lines[i];
      }
    }
  }
}

// Longer ones need a reason here.
const std::set<std::string> kLongFiles = {};

TEST(Layout, FilesStayShort) {
  std::string offenders;
  for (const SourceFile& file : source_files({"src", "include"})) {
    if (file.lines.size() > 400 && !kLongFiles.contains(file.path)) {
      offenders += "  " + file.path + ": " + std::to_string(file.lines.size()) + " lines\n";
    }
  }
  EXPECT_TRUE(offenders.empty()) << "longer than 400 lines:\n" << offenders;
}

TEST(Layout, HeadersSayWhatTheyAreFor) {
  for (const SourceFile& file : source_files({"src", "include"})) {
    if (!file.header()) continue;
    ASSERT_FALSE(file.lines.empty()) << file.path;
    EXPECT_TRUE(file.lines.front().starts_with("// ")) << file.path << " begins without a comment";
    const auto once = std::find(file.lines.begin(), file.lines.end(), "#pragma once");
    EXPECT_NE(once, file.lines.end()) << file.path << " has no #pragma once";
  }
}

TEST(Layout, TheTopLevelIsFixed) {
  const std::set<std::string> known = {"CMakeLists.txt", "src",       "include",
                                       "models",         "configs",   "tests",
                                       "scripts",        "README.md", "LICENSE"};
  for (const auto& entry : std::filesystem::directory_iterator(GENVID_SOURCE_DIR)) {
    const std::string name = entry.path().filename().string();
    const bool build = name == "build" || name.starts_with("build-");
    EXPECT_TRUE(name.starts_with(".") || build || name == "shared" || known.contains(name)) << name;
  }
}

// The libraries that a program or library asks the loader for.
std::set<std::string> needed(const std::filesystem::path& path) {
  std::set<std::string> names;
  const std::string command = "readelf -d '" + path.string() + "'";
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return names;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), pipe) != nullptr) {
    const std::string text = line.data();
    const size_t open = text.find('[');
    if (text.find("(NEEDED)") != std::string::npos && open != std::string::npos) {
      names.insert(text.substr(open + 1, text.find(']') - open - 1));
    }
  }
  ::pclose(pipe);
  return names;
}

TEST(Layout, TheFrontLinksNoTorch) {
  const std::filesystem::path build = GENVID_BINARY_DIR;
  const auto core = needed(build / "libgenvid_core.so");
  ASSERT_TRUE(core.contains("libc.so.6")) << "readelf did not work";
  std::set<std::string> all = core;
  if (std::filesystem::exists(build / "genvid")) all.merge(needed(build / "genvid"));
  for (const std::string& name : all) {
    EXPECT_TRUE(name.find("torch") == std::string::npos && !name.starts_with("libc10") &&
                name.find("cuda") == std::string::npos && name.find("engine") == std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace genvid::test
