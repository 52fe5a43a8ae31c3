// The sub-commands. Each adds its flags to an app; what it returns runs after parsing and gives the
// exit code. Failures are Errors.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace genvid::cli {

using Command = std::function<int()>;

Command add_generate(CLI::App& app);  // the program itself, without a sub-command
Command add_decode(CLI::App& app);
void add_models(CLI::App& app, std::function<void(Command)> choose);  // list, info, check
Command add_batch(CLI::App& app);
int run_batch_worker();  // batch-worker: makes clips for a supervisor
Command add_info(CLI::App& app);
Command add_verify(CLI::App& app);
Command add_rerun(CLI::App& app);
void add_keys(CLI::App& app, std::function<void(Command)> choose);  // init
Command add_quality(CLI::App& app);
Command add_doctor(CLI::App& app);

// Parses, runs and reports: the whole of main().
int run(int argc, char** argv);

}  // namespace genvid::cli
