#include "jobs/machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace genvid {
namespace {

namespace fs = std::filesystem;

class MachineTest : public ::testing::Test {
 protected:
  MachineTest() : root_(fs::temp_directory_path() / ("machine_test_" + std::to_string(getpid()))) {}
  ~MachineTest() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  fs::path root_;
};

TEST_F(MachineTest, MemAvailableAlone) {
  write("proc/meminfo", "MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable:   50 kB\n");
  EXPECT_EQ(available_memory(root_), 50u * 1024);
}

TEST_F(MachineTest, TheTightestGroupOfV2Counts) {
  write("proc/meminfo", "MemAvailable: 1000000 kB\n");
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  write("sys/fs/cgroup/outer/inner/memory.current", "5000\n");
  write("sys/fs/cgroup/outer/memory.max", "10000\n");
  write("sys/fs/cgroup/outer/memory.current", "6000\n");
  write("sys/fs/cgroup/outer/memory.stat", "anon 5\ninactive_file 2000\n");
  EXPECT_EQ(available_memory(root_), 10000u - (6000 - 2000));
}

TEST_F(MachineTest, GroupOfV1) {
  write("proc/meminfo", "MemAvailable: 1000000 kB\n");
  write("proc/self/cgroup", "4:cpu:/a\n9:memory:/a\n");
  write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096\n");
  write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "5000\n");
  EXPECT_EQ(available_memory(root_), 0u);
}

TEST_F(MachineTest, ThisMachine) {
  EXPECT_GT(available_memory(), uint64_t{1} << 20);
  EXPECT_GE(cpu_count(), 1);
  EXPECT_GT(core_flops(2), 0);
}

}  // namespace
}  // namespace genvid
