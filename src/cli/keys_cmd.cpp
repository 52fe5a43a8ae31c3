// genvid keys init DIR: a test CA and a key below it, for --sign and --cert.
#include <cstdio>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "core/log.h"
#include "media/signing_key.h"

namespace genvid::cli {
namespace {

int init(const std::string& folder) {
  const media::TestKeys keys = media::make_test_keys(folder);
  const auto p = [](const std::string& path) { return log::printable(path); };
  std::printf("%s\n%s\n%s\n%s\n", p(keys.key).c_str(), p(keys.chain).c_str(),
              p(keys.ca_certificate).c_str(), p(keys.ca_key).c_str());
  std::fprintf(
      stderr,
      "genvid: sign with --sign %s --cert %s; valid for a year\n"
      "genvid: these are test keys: files signed with them are valid, but their signer is "
      "unknown to everybody who does not have %s (genvid verify --trust). Viewers trust "
      "only certificates of a CA on the C2PA trust list; buy one there and use it the same "
      "way.\n",
      p(keys.key).c_str(), p(keys.chain).c_str(), p(keys.ca_certificate).c_str());
  return 0;
}

}  // namespace

void add_keys(CLI::App& app, std::function<void(Command)> choose) {
  CLI::App* sub = app.add_subcommand("init", "Make a test CA and a signing key below it");
  sub->allow_extras();
  const auto folder = std::make_shared<std::string>();
  sub->add_option("DIR", *folder, "Folder, made if missing; existing keys are never replaced")
      ->required();
  sub->callback([=] { choose([folder] { return init(*folder); }); });
}

}  // namespace genvid::cli
