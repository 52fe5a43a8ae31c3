#include "e2e/run_helper.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace genvid::e2e {
namespace {

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    read_end = ends[0];
    write_end = ends[1];
  }
  static void shut(int& fd) {
    if (fd >= 0) close(fd);
    fd = -1;
  }
  ~Pipe() {
    shut(read_end);
    shut(write_end);
  }
};

void collect(Pipe& out, Pipe& err, Result& result) {
  pollfd fds[2] = {{out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}};
  std::string* sinks[2] = {&result.out, &result.err};
  int open = 2;
  while (open > 0) {
    if (poll(fds, 2, -1) < 0) throw std::runtime_error("poll");
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t n = read(fds[i].fd, buffer, sizeof(buffer));
      if (n > 0) {
        sinks[i]->append(buffer, static_cast<size_t>(n));
      } else {
        fds[i].fd = -1;
        --open;
      }
    }
  }
}

}  // namespace

Result run_program(const std::string& program, const std::vector<std::string>& args,
                   const std::string& input, const std::vector<std::string>& environment) {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe in, out, err;
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    dup2(in.read_end, STDIN_FILENO);
    dup2(out.write_end, STDOUT_FILENO);
    dup2(err.write_end, STDERR_FILENO);
    // The time in a file is the only thing that differs between two runs of one command.
    setenv("SOURCE_DATE_EPOCH", "1790000000", 0);
    // Not the history of whoever runs the tests.
    setenv("XDG_DATA_HOME", GENVID_BINARY_DIR "/tests/data_home", 1);
    for (const std::string& e : environment) putenv(const_cast<char*>(e.c_str()));
    std::vector<char*> argv = {const_cast<char*>(program.c_str())};
    for (const std::string& a : args) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    execvp(program.c_str(), argv.data());
    _exit(127);
  }
  Pipe::shut(in.read_end);
  Pipe::shut(out.write_end);
  Pipe::shut(err.write_end);
  // Inputs here are far smaller than a pipe holds, or the child stops reading early.
  for (size_t at = 0; at < input.size();) {
    const ssize_t n = write(in.write_end, input.data() + at, input.size() - at);
    if (n <= 0) break;
    at += static_cast<size_t>(n);
  }
  Pipe::shut(in.write_end);
  Result result;
  collect(out, err, result);
  int status = 0;
  waitpid(child, &status, 0);
  result.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

Result genvid(const std::vector<std::string>& args, const std::string& input,
              const std::vector<std::string>& environment) {
  return run_program(std::string(GENVID_BINARY_DIR) + "/genvid", args, input, environment);
}

TempDir::TempDir() {
  std::string name = (std::filesystem::path(GENVID_BINARY_DIR) / "tests" / "e2e_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

std::string test_name(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : "_") + std::filesystem::path(word).filename().string();
  }
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return out;
}

std::string models(const std::string& name) {
  return std::string(GENVID_SOURCE_DIR) + "/models/" + name;
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

}  // namespace genvid::e2e
