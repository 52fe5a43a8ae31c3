// genvid verify FILE... [--json]: which marks a file has, which it should have, and whether they
// are whole.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <vector>

#include "cli/commands.h"
#include "cli/file_marks.h"
#include "core/input_file.h"
#include "core/log.h"
#include "genvid/error.h"

namespace genvid::cli {
namespace {

constexpr int kUnreadable = static_cast<int>(ErrorKind::kUsage);
constexpr uint64_t kMaxAnchorBytes = 4'000'000;

struct VerifyFlags {
  std::vector<std::string> files;
  std::string trust;
  bool json = false;
};

void print_text(const FileMarks& marks, const Verdict& verdict) {
  std::printf("%s: %s\n", log::printable(marks.path).c_str(), verdict.state.c_str());
  for (const LayerVerdict& layer : verdict.layers) {
    std::printf("  %-10s %-9s %s\n", layer.name.c_str(), layer.state.c_str(),
                log::printable(layer.detail).c_str());
  }
}

// From best to worst: valid, unmarked, incomplete, unreadable.
int worse(int a, int b) {
  static constexpr int kOrder[] = {0, 3, 1, kUnreadable};
  const auto rank = [](int code) { return std::find(std::begin(kOrder), std::end(kOrder), code); };
  return rank(a) < rank(b) ? b : a;
}

// One file's exit code; with JSON its entry is added to all.
int verify_one(const std::string& file, const ReadMarksOptions& options, Json* all) {
  const FileMarks marks = read_marks(file, media::probe(file), options);
  const bool due = marks.record.is_object() && marks.record.value("signed", Json()) == true;
  if (due && !marks.c2pa_problem.empty()) {
    throw Error(ErrorKind::kUnavailable,
                file + " says that it is signed, but " + marks.c2pa_problem);
  }
  const Verdict verdict = judge(marks);
  if (all != nullptr) {
    all->push_back(to_json(marks, verdict));
  } else {
    print_text(marks, verdict);
  }
  return exit_code(verdict);
}

int verify(const VerifyFlags& f) {
  ReadMarksOptions options;
  options.watermark = true;
  if (!f.trust.empty()) options.anchors = read_file(f.trust, kMaxAnchorBytes, ErrorKind::kUsage);
  int code = 0;
  Json all = Json::array();
  for (const std::string& file : f.files) {
    try {
      code = worse(code, verify_one(file, options, f.json ? &all : nullptr));
    } catch (const Error& e) {
      // The other files are looked at all the same.
      if (e.kind() != ErrorKind::kUsage) throw;
      std::fprintf(stderr, "genvid: error: %s\n", log::printable(e.what()).c_str());
      all.push_back({{"file", file}, {"state", "unreadable"}, {"error", e.what()}});
      code = kUnreadable;
    }
  }
  if (f.json) {
    std::printf("%s\n", all.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  }
  return code;
}

}  // namespace

Command add_verify(CLI::App& app) {
  const auto flags = std::make_shared<VerifyFlags>();
  app.add_option("FILE", flags->files, "Video files or pictures")
      ->required()
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--trust", flags->trust, "Certificates of CAs to trust, PEM")->type_name("FILE");
  app.add_flag("--json", flags->json, "As JSON, a list with one entry a file");
  app.footer(
      "Exit code: 0 every mark that the file should have is valid (unsigned is no fault), 1 "
      "one is missing or damaged, 3 no mark at all, 2 a file cannot be read.");
  return [flags] { return verify(*flags); };
}

}  // namespace genvid::cli
