// SPDX-License-Identifier: MIT
// What `luna doctor` says of machines that are folders of files.
#include "doctor.hpp"

#include "support/file_tree.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace luna::tool {
namespace {

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() {
    put("/proc/sys/vm/overcommit_memory", "0\n");
    put("/proc/sys/vm/max_map_count", "65530\n");
    put("/proc/sys/kernel/yama/ptrace_scope", "0\n");
    put("/proc/pressure/memory", "some avg10=0.00\n");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    put("/proc/7/cgroup", "0::/a/b\n");
    put("/proc/7/maps", "a\nb\n");
    put("/proc/7/limits",
        "Max address space         unlimited            unlimited            bytes\n"
        "Max data size             unlimited            unlimited            bytes\n");
  }

  void put(const std::string& path, const std::string& text) const { tree_.write(path, text); }
  void remove(const std::string& path) const { tree_.remove(path); }

  // What is said of one thing, of the machine or of process 7.
  [[nodiscard]] Finding finding(const std::string& what) const {
    const MachineFiles files(tree_.root());
    std::vector<Finding> all = examine_machine(files);
    for (Finding& one : examine_limits(files, "7")) all.push_back(std::move(one));
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Finding& one) { return one.what == what; });
    return found != all.end() ? *found : Finding{Health::kGood, "", "", "", ""};
  }

  test::FileTree tree_;
};

TEST_F(DoctorTest, NothingIsToBeMendedOnAGoodMachine) {
  const MachineFiles files(tree_.root());
  std::vector<Finding> all = examine_machine(files);
  for (Finding& one : examine_limits(files, "7")) all.push_back(std::move(one));
  EXPECT_EQ(all.size(), 9U);
  for (const Finding& one : all) {
    if (one.what == "pages" && sysconf(_SC_PAGESIZE) != 4096) continue;
    EXPECT_EQ(one.health, Health::kGood) << one.what << ": " << one.is;
    EXPECT_FALSE(one.is.empty() || one.means.empty()) << one.what;
    EXPECT_TRUE(one.mend.empty()) << one.what;
  }
}

TEST_F(DoctorTest, HugePagesThatAreForbiddenAreToBeAllowed) {
  put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
  EXPECT_EQ(finding("huge pages").health, Health::kMend);
  EXPECT_EQ(finding("huge pages").is, "never");
  EXPECT_EQ(finding("huge pages").mend,
            "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
  put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n");
  EXPECT_EQ(finding("huge pages").health, Health::kNote);
  remove("/sys/kernel/mm/transparent_hugepage/enabled");
  EXPECT_EQ(finding("huge pages").health, Health::kMend);
  EXPECT_EQ(finding("huge pages").is, "none");
}

TEST_F(DoctorTest, StrictOvercommitIsToldAndMendedWhenItIsNear) {
  put("/proc/sys/vm/overcommit_memory", "2\n");
  put("/proc/meminfo", "MemTotal: 100 kB\nCommitLimit:  1000 kB\nCommitted_AS:  500 kB\n");
  EXPECT_EQ(finding("overcommit").health, Health::kNote);
  put("/proc/meminfo", "CommitLimit:  1000 kB\nCommitted_AS:  950 kB\n");
  EXPECT_EQ(finding("overcommit").health, Health::kMend);
  EXPECT_EQ(finding("overcommit").mend, "sudo sysctl vm.overcommit_memory=0");
}

TEST_F(DoctorTest, FewMappings) {
  put("/proc/sys/vm/max_map_count", "100\n");
  EXPECT_EQ(finding("mappings").health, Health::kMend);
  EXPECT_EQ(finding("mappings in use").what, "");
  std::string maps;
  for (int i = 0; i < 60; ++i) maps += "mapping\n";
  put("/proc/7/maps", maps);
  EXPECT_EQ(finding("mappings in use").is, "60 of 100");
  EXPECT_EQ(finding("mappings in use").mend, "sudo sysctl vm.max_map_count=400");
}

TEST_F(DoctorTest, PressureThatIsNotMeasuredAndAttachingThatIsForbidden) {
  remove("/proc/pressure/memory");
  EXPECT_EQ(finding("pressure").health, Health::kNote);
  for (const char* scope : {"1", "2", "3"}) {
    put("/proc/sys/kernel/yama/ptrace_scope", scope);
    EXPECT_EQ(finding("attaching").health, Health::kNote) << scope;
    EXPECT_EQ(finding("attaching").mend.empty(), std::string(scope) != "1");
  }
}

TEST_F(DoctorTest, LimitsOfCgroupsAreThoseOfAllAbove) {
  put("/sys/fs/cgroup/a/memory.max", "1048576\n");
  put("/sys/fs/cgroup/a/memory.current", "524288\n");
  put("/sys/fs/cgroup/a/b/memory.max", "max\n");
  put("/sys/fs/cgroup/a/b/memory.high", "2097152\n");
  EXPECT_EQ(finding("cgroup").health, Health::kGood);
  EXPECT_EQ(finding("cgroup").is, "512.0 KiB of 1.0 MiB in /sys/fs/cgroup/a");
  put("/sys/fs/cgroup/a/memory.current", "1048000\n");
  EXPECT_EQ(finding("cgroup").health, Health::kMend);

  put("/proc/7/cgroup", "5:cpu,memory:/c\n1:name=systemd:/x\n0::/a/b\n");
  EXPECT_EQ(finding("cgroup").is, "no limit");
  put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(finding("cgroup").is, "no limit");
  put("/sys/fs/cgroup/memory/c/memory.limit_in_bytes", "4096\n");
  put("/sys/fs/cgroup/memory/c/memory.usage_in_bytes", "1024\n");
  EXPECT_NE(finding("cgroup").is.find("in /sys/fs/cgroup/memory/c"), std::string::npos);
}

TEST_F(DoctorTest, PathsOfCgroupsThatMakeNoSenseAreNoLimit) {
  for (const char* text : {"", "nonsense", "0::", "::", "0::no/root\n", "0::/../..\n"}) {
    put("/proc/7/cgroup", text);
    EXPECT_EQ(finding("cgroup").is, "no limit") << text;
  }
}

TEST_F(DoctorTest, LimitsOfAProcess) {
  put("/proc/7/limits",
      "Max address space         2147483648           unlimited            bytes\n"
      "Max data size             1000000              unlimited            bytes\n");
  EXPECT_EQ(finding("address space").health, Health::kNote);
  EXPECT_EQ(finding("address space").is, "limited to 2.0 GiB");
  EXPECT_EQ(finding("data").health, Health::kMend);
  EXPECT_EQ(finding("data").mend, "ulimit -d unlimited");
}

}  // namespace
}  // namespace luna::tool
