// Parsing the command line and turning every failure into one line and an exit code.
#include <cstdio>
#include <exception>
#include <new>
#include <vector>

#include "cli/commands.h"
#include "cli/signals.h"
#include "core/cancel.h"
#include "core/lack_of_memory.h"
#include "core/log.h"
#include "core/suggest.h"
#include "genvid/error.h"
#include "media/ffmpeg_info.h"

namespace genvid::cli {
namespace {

constexpr int kInternal = 70;  // a bug: EX_SOFTWARE

int report(const std::string& message, int code) {
  std::fprintf(stderr, "genvid: error: %s\n", log::printable(message).c_str());
  return code;
}

// All long flags of an app, for "did you mean".
std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// The command that the words name, and where its options stand.
const CLI::App& named_command(const CLI::App& app) {
  const CLI::App* last = &app;
  while (!last->get_subcommands().empty()) last = last->get_subcommands().front();
  return *last;
}

std::string see_help(const CLI::App& command) {
  std::string name;
  for (const CLI::App* a = &command; a != nullptr; a = a->get_parent()) {
    name = a->get_name() + (name.empty() ? "" : " ") + name;
  }
  return "; see " + name + " --help";
}

[[noreturn]] void unexpected(const CLI::App& app, const std::string& word) {
  std::string message = "unexpected argument \"" + word + "\"";
  if (word.rfind("-", 0) == 0) {
    const std::vector<std::string> names = flag_names(app);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const std::string flag = word.substr(0, word.find('='));
    message = "unknown option " + flag + did_you_mean(flag, views);
  } else {
    message += ": put a prompt of several words in quotes";
  }
  throw Error(ErrorKind::kUsage, message + see_help(app));
}

std::string version_text() {
  return "genvid " GENVID_VERSION "\n" + media::ffmpeg_summary() + "\n";
}

// CLI11's own messages can have several lines; the first says what is wrong.
[[noreturn]] void usage_error(const CLI::App& app, const CLI::ParseError& e) {
  std::string message = e.what();
  message = message.substr(0, message.find('\n'));
  throw Error(ErrorKind::kUsage, message + see_help(named_command(app)));
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("Text to video. genvid \"a house by the sea\" -o out.mp4", "genvid");
  app.set_version_flag("--version", version_text);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.require_subcommand(0, 1);
  // Extras are reported by us, with a suggestion.
  app.allow_extras();
  Command command = add_generate(app);
  const auto choose = [&](Command c) { command = std::move(c); };
  const auto add = [&](const char* name, const char* help, Command (*fill)(CLI::App&)) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->allow_extras();
    const Command c = fill(*sub);
    sub->callback([=] { choose(c); });
  };
  add("decode", "Latents to a file: the VAE and the encoder alone", add_decode);
  CLI::App* models = app.add_subcommand("models", "What models are here; check one");
  models->allow_extras();
  models->require_subcommand(1);
  add_models(*models, choose);
  add("batch", "Many clips from a job file; picks up where it was", add_batch);
  CLI::App* worker = app.add_subcommand("batch-worker", "");
  worker->group("");  // started by batch --workers, not by people
  worker->callback([&] { choose(run_batch_worker); });
  add("info", "What a video file is, and the settings that made it", add_info);
  add("verify", "Which marks of its making a file has, and whether they are whole", add_verify);
  add("rerun", "The same clip again, from what its file says", add_rerun);
  CLI::App* keys = app.add_subcommand("keys", "Keys that sign content credentials");
  keys->allow_extras();
  keys->require_subcommand(1);
  add_keys(*keys, choose);
  add("quality", "Measures of a clip: drift, seams, flicker, motion", add_quality);
  add("doctor", "What is on this machine, and what is missing", add_doctor);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::CallForVersion& e) {
    std::fputs(version_text().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& e) {
    usage_error(app, e);
  }
  for (const std::string& word : app.remaining(true)) unexpected(named_command(app), word);
  return command();
}

}  // namespace

int run(int argc, char** argv) {
  ignore_write_signals();
  try {
    return parse_and_run(argc, argv);
  } catch (const Error& e) {
    if (e.kind() == ErrorKind::kCancelled) {
      const int signal = cancel_signal();
      return report(e.what(), 128 + (signal == 0 ? 2 : signal));
    }
    return report(e.what(), e.exit_code());
  } catch (const std::exception& e) {
    if (is_lack_of_memory(e)) return report("out of memory", static_cast<int>(ErrorKind::kMemory));
    return report(std::string("internal error, please report it: ") + e.what(), kInternal);
  } catch (...) {
    return report("internal error, please report it", kInternal);
  }
}

}  // namespace genvid::cli
