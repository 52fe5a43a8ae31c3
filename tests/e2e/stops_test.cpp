// A stop or a full disk in the middle of a clip: what is left, and with which exit code.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "e2e/run_helper.h"

namespace genvid::e2e {
namespace {

namespace fs = std::filesystem;

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

struct Watched {
  int code = -1;
  size_t steps_after = 0;  // reported after the action
  std::string err;
};

// Starts a clip and calls `act` with the process as soon as `seen` of its steps are reported.
Watched act_after(size_t seen, std::vector<std::string> args,
                  const std::function<void(pid_t)>& act) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe");
  const std::string program = std::string(GENVID_BINARY_DIR) + "/genvid";
  const std::string model = models("tiny-wan21");
  for (const char* a : {"a house", "--device", "cpu", "--threads", "1", "--progress", "json",
                        "--seed", "1", "--model", model.c_str()}) {
    args.push_back(a);
  }
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork");
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    std::vector<char*> argv = {const_cast<char*>(program.c_str())};
    for (std::string& a : args) argv.push_back(a.data());
    argv.push_back(nullptr);
    execv(program.c_str(), argv.data());
    _exit(127);
  }
  close(ends[1]);
  const std::string step = "\"stage\":\"denoise\"";
  Watched result;
  char buffer[4096];
  size_t before = 0;
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    result.err.append(buffer, static_cast<size_t>(n));
    if (before == 0 && count(result.err, step) > seen) {  // the first line says 0 steps
      before = count(result.err, step);
      act(child);
    }
  }
  close(ends[0]);
  result.steps_after = count(result.err, step) - before;
  int status = 0;
  waitpid(child, &status, 0);
  result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

TEST(Stops, WithinAStep) {
  for (const auto& [signal, code] : {std::pair{SIGINT, 130}, {SIGTERM, 143}}) {
    const TempDir dir;
    const Watched r = act_after(2, {"-o", dir / "a.mp4", "--size", "256x256", "--steps", "1000"},
                                [&, number = signal](pid_t child) { kill(child, number); });
    EXPECT_EQ(r.code, code) << r.err;
    // A step that ended while the signal was on its way may still be reported.
    EXPECT_LE(r.steps_after, 2u);
    EXPECT_TRUE(fs::is_empty(dir.path()));
  }
}

// A disk of 8 MiB at `path` while it lives.
class SmallDisk {
 public:
  explicit SmallDisk(const std::string& path) : path_(path) {
    fs::create_directory(path);
    mounted_ = mount("tmpfs", path.c_str(), "tmpfs", 0, "size=8m") == 0;
    if (!mounted_) why_ = std::strerror(errno);
  }
  ~SmallDisk() {
    if (mounted_) umount(path_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }
  const std::string& why() const { return why_; }

 private:
  std::string path_, why_;
  bool mounted_ = false;
};

// The disk is filled while the clip is sampled: it had room when that was checked.
TEST(Stops, AFullDiskKeepsTheLatents) {
  const TempDir dir;
  const SmallDisk disk(dir / "disk");
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small disk here: " << disk.why();
  ASSERT_EQ(setenv("TMPDIR", dir.path().c_str(), 1), 0);
  const Watched r =
      act_after(1, {"-o", dir / "disk/a.mkv", "--size", "96x64", "--steps", "200"}, [&](pid_t) {
        std::ofstream filler(dir / "disk/filler", std::ios::binary);
        const std::string block(4096, 'x');
        while (filler.write(block.data(), 4096).flush()) {
        }
      });
  unsetenv("TMPDIR");
  EXPECT_EQ(r.code, 4) << r.err;
  EXPECT_EQ(std::distance(fs::directory_iterator(dir / "disk"), fs::directory_iterator()), 1)
      << "a part of the clip is left";
  const std::string kept = dir / "a.mkv.latents.safetensors";
  ASSERT_TRUE(fs::exists(kept)) << r.err;
  EXPECT_NE(r.err.find("genvid decode " + kept), std::string::npos) << r.err;
  const Result rescued = genvid({"decode", kept, "-o", dir / "b.mkv", "--model",
                                 models("tiny-wan21"), "--device", "cpu", "--threads", "1"});
  EXPECT_EQ(rescued.code, 0) << rescued.err;
  EXPECT_TRUE(fs::exists(dir / "b.mkv"));
}

}  // namespace
}  // namespace genvid::e2e
