// SPDX-License-Identifier: MIT
#include "os/cgroup.hpp"

#include "support/cgroup_tree.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace luna {
namespace {

using os::CgroupPlace;
using os::CgroupVersion;
using os::find_cgroup;
using os::kUnknown;
using os::kUnlimited;
using test::CgroupTreeV1;
using test::CgroupTreeV2;
using test::FileTree;

constexpr CgroupVersion kV1 = CgroupVersion::kV1;
constexpr CgroupVersion kV2 = CgroupVersion::kV2;

// Where it is found, or nothing.
[[nodiscard]] std::string found(const FileTree& tree) {
  const CgroupPlace place = find_cgroup(tree.root());
  EXPECT_EQ(place.version == CgroupVersion::kNone, place.directory().empty());
  return std::string(place.directory());
}

TEST(Cgroup, IsFoundBelowTheMountPoint) {
  const CgroupTreeV2 tree("/system.slice/app.service");
  tree.add("/system.slice/app.service", "max", "max", "4096", "0");

  const CgroupPlace place = find_cgroup(tree.root());

  EXPECT_EQ(place.version, kV2);
  EXPECT_EQ(place.directory(), "/sys/fs/cgroup/system.slice/app.service");
  EXPECT_EQ(place.mount_length, std::string("/sys/fs/cgroup").size());
}

TEST(Cgroup, OfVersion1IsThatOfTheMemoryController) {
  const CgroupTreeV1 tree("/docker/id:with:colons");
  tree.add("/docker/id:with:colons", test::kUnlimitedOfV1, "4096\n");

  const CgroupPlace place = find_cgroup(tree.root());

  EXPECT_EQ(place.version, kV1);
  EXPECT_EQ(place.directory(), "/sys/fs/cgroup/memory/docker/id:with:colons");
}

// Hybrid: other controllers are of version 1.
TEST(Cgroup, OfTheUnifiedHierarchyWhereNoOtherHasMemory) {
  const FileTree tree;
  tree.write("/proc/thread-self/cgroup", "2:cpu:/app\n1:name=systemd:/app\n0::/app\n");
  tree.write("/proc/thread-self/mountinfo",
             "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
             "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n");
  tree.write("/sys/fs/cgroup/unified/app/memory.max", "4096\n");

  EXPECT_EQ(found(tree), "/sys/fs/cgroup/unified/app");
  EXPECT_EQ(find_cgroup(tree.root()).version, kV2);
}

// A container without a name space of its own for cgroups: a part is mounted.
TEST(Cgroup, IsFoundInAPartThatIsMounted) {
  const CgroupTreeV1 whole("/docker/one", "/docker/one");
  whole.add("", "4096\n", "1024\n");
  const CgroupTreeV1 below("/docker/one/worker", "/docker/one");
  below.add("/worker", "4096\n", "1024\n");
  const CgroupTreeV1 alike("/docker/one2", "/docker/one");
  alike.add("2", "4096\n", "1024\n");

  EXPECT_EQ(found(whole), "/sys/fs/cgroup/memory");
  EXPECT_EQ(found(below), "/sys/fs/cgroup/memory/worker");
  EXPECT_EQ(found(alike), "");
}

TEST(Cgroup, TheMountPointIsTheContainersOwn) {
  const CgroupTreeV2 space("/");
  space.add("", "4096", "max", "1024", "0");
  const CgroupTreeV2 outside("/kubepods/pod1/id");
  outside.add("", "4096", "max", "1024", "0");
  const CgroupTreeV1 outside_v1("/kubepods/pod1/id");
  outside_v1.add("", "4096\n", "1024\n");

  EXPECT_EQ(found(space), "/sys/fs/cgroup");
  EXPECT_EQ(found(outside), "/sys/fs/cgroup");
  EXPECT_EQ(found(outside_v1), "/sys/fs/cgroup/memory");
}

// The root of the machine is not the cgroup of a process whose own cannot be seen.
TEST(Cgroup, TheRootIsNotTakenForAnother) {
  const CgroupTreeV2 tree("/gone (deleted)");
  tree.write("/sys/fs/cgroup/cgroup.procs", "1\n");
  const CgroupTreeV1 tree_v1("/gone");
  tree_v1.add("", test::kUnlimitedOfV1, "1024\n");

  EXPECT_EQ(found(tree), "");
  EXPECT_EQ(found(tree_v1), "");
}

TEST(Cgroup, WhatIsInAnotherNameSpaceIsNotFound) {
  const CgroupTreeV2 path("/../other");
  path.add("", "4096", "max", "1024", "0");
  const CgroupTreeV2 mounted("/", "/../..");
  mounted.add("", "4096", "max", "1024", "0");

  EXPECT_EQ(found(path), "");
  EXPECT_EQ(found(mounted), "");
}

TEST(Cgroup, BlanksInMountPointsAreEscaped) {
  const FileTree tree;
  tree.write("/proc/thread-self/cgroup", "0::/app one\n");
  tree.write("/proc/thread-self/mountinfo",
             "30 23 0:26 /app\\040one /a\\040b\\ rw - cgroup2 none rw\n");
  tree.write("/a b\\/memory.current", "1\n");

  EXPECT_EQ(found(tree), "/a b\\");
}

TEST(Cgroup, WhatIsMalformedIsNotFound) {
  const CgroupTreeV2 good("/app");
  good.add("/app", "4096", "max", "1024", "0");
  ASSERT_EQ(found(good), "/sys/fs/cgroup/app");
  for (const char* text : {"", "0::/app", "0:/app\n", "0\n", "::/app\n", "0::app\n", "1::/app\n"}) {
    good.write("/proc/thread-self/cgroup", text);
    EXPECT_EQ(found(good), "") << text;
  }
  good.write("/proc/thread-self/cgroup", "0::/" + std::string(700, 'a') + "\n");
  EXPECT_EQ(found(good), "");
  good.write("/proc/thread-self/cgroup", "0::/app\n");
  for (const char* text : {"", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2", "30\n", " - \n",
                           "30 23 0:26 / /sys/fs/cgroup rw shared:1 cgroup2 cgroup2 rw\n"}) {
    good.write("/proc/thread-self/mountinfo", text);
    EXPECT_EQ(found(good), "") << text;
  }
  good.remove("/proc/thread-self/mountinfo");
  EXPECT_EQ(found(good), "");
}

TEST(Cgroup, LimitsOfVersion2) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "max", "8192", "4096", "0");

  const os::CgroupLimits limits = read_cgroup_limits(tree.root(), kV2, "/sys/fs/cgroup/app");

  EXPECT_EQ(limits.max, kUnlimited);
  EXPECT_EQ(limits.high, 8192U);
  EXPECT_EQ(limits.soft, kUnknown);
  EXPECT_EQ(limits.least(), 8192U);
  EXPECT_EQ(read_cgroup_limits(tree.root(), kV2, "/sys/fs/cgroup").least(), kUnknown);
}

TEST(Cgroup, LimitsOfVersion1) {
  const CgroupTreeV1 tree("/app");
  const auto limit = [&tree](const char* text) {
    tree.add("/app", text, "4096\n");
    return read_cgroup_limits(tree.root(), kV1, "/sys/fs/cgroup/memory/app").max;
  };

  EXPECT_EQ(limit("8192\n"), 8192U);
  EXPECT_EQ(limit(test::kUnlimitedOfV1), kUnlimited);
  EXPECT_EQ(limit("9223372036854710272\n"), kUnlimited);  // pages of 64 KiB
  EXPECT_EQ(limit("9223372036854775807\n"), kUnlimited);
  EXPECT_EQ(limit("18446744073709551615\n"), kUnlimited);  // of old kernels
  EXPECT_EQ(limit("9223372036854771712"), kUnknown);
  EXPECT_EQ(limit("max\n"), kUnknown);
}

TEST(Cgroup, TheWorkingSetIsWithoutInactiveFiles) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "max", "max", "10000", "4096");
  const CgroupTreeV1 tree_v1("/app");
  tree_v1.add("/app", "max\n", "10000\n");

  const os::CgroupUsage usage = read_cgroup_usage(tree.root(), kV2, "/sys/fs/cgroup/app");
  const os::CgroupUsage usage_v1 =
      read_cgroup_usage(tree_v1.root(), kV1, "/sys/fs/cgroup/memory/app");

  EXPECT_EQ(usage.bytes, 10000U);
  EXPECT_EQ(usage.working_set, 5904U);
  EXPECT_EQ(usage_v1.bytes, 10000U);
  EXPECT_EQ(usage_v1.working_set, 9000U);
}

TEST(Cgroup, AUsageThatIsNotSaidIsUnknown) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "max", "max", "10000", "20000");
  const auto usage = [&tree] { return read_cgroup_usage(tree.root(), kV2, "/sys/fs/cgroup/app"); };

  EXPECT_EQ(usage().working_set, 0U);  // read at different times
  tree.add("/app", "max", "max", "10000", "x");
  EXPECT_EQ(usage().bytes, 10000U);
  EXPECT_EQ(usage().working_set, kUnknown);
  tree.add("/app", "max", "max", "100 0", "0");
  EXPECT_EQ(usage().bytes, kUnknown);
  EXPECT_EQ(usage().working_set, kUnknown);
}

TEST(Cgroup, Events) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "max", "max", "1", "0");
  const CgroupTreeV1 tree_v1("/app");
  tree_v1.add("/app", "1\n", "1\n");

  const os::CgroupEvents events = read_cgroup_events(tree.root(), kV2, "/sys/fs/cgroup/app");
  const os::CgroupEvents events_v1 =
      read_cgroup_events(tree_v1.root(), kV1, "/sys/fs/cgroup/memory/app");
  const os::CgroupEvents none = read_cgroup_events(tree.root(), kV2, "/sys/fs/cgroup");

  EXPECT_EQ(events.low, 1U);
  EXPECT_EQ(events.high, 2U);
  EXPECT_EQ(events.max, 3U);
  EXPECT_EQ(events.oom, 4U);
  EXPECT_EQ(events.oom_kill, 5U);
  EXPECT_EQ(events.under_oom, kUnknown);
  EXPECT_EQ(events_v1.max, 7U);
  EXPECT_EQ(events_v1.under_oom, 1U);
  EXPECT_EQ(events_v1.oom_kill, 2U);
  EXPECT_EQ(events_v1.low, kUnknown);
  EXPECT_EQ(none.max, kUnknown);
  EXPECT_EQ(none.oom_kill, kUnknown);
}

TEST(Cgroup, TheTightestLimitMayBeAbove) {
  const CgroupTreeV2 tree("/a/b/c");
  tree.add("/a", "8192", "max", "1", "0");
  tree.add("/a/b", "max", "4096", "1", "0");
  tree.add("/a/b/c", "16384", "max", "1", "0");
  const CgroupPlace place = find_cgroup(tree.root());

  EXPECT_EQ(tightest_cgroup(tree.root(), place), "/sys/fs/cgroup/a/b");
  tree.add("/a/b/c", "4096", "max", "1", "0");
  EXPECT_EQ(tightest_cgroup(tree.root(), place), "/sys/fs/cgroup/a/b/c");
  tree.add("/a/b", "max", "max", "1", "0");
  tree.add("/a/b/c", "max", "max", "1", "0");
  EXPECT_EQ(tightest_cgroup(tree.root(), place), "/sys/fs/cgroup/a");
  tree.add("/a", "max", "max", "1", "0");
  EXPECT_EQ(tightest_cgroup(tree.root(), place), "");
}

// Nothing is asked of what lies above the mount point.
TEST(Cgroup, TheWayUpEndsAtTheMountPoint) {
  const CgroupTreeV1 tree("/docker/one/worker", "/docker/one");
  tree.add("/worker", test::kUnlimitedOfV1, "1\n");
  tree.add("", "8192\n", "1\n");
  tree.write("/sys/fs/cgroup/memory.limit_in_bytes", "4096\n");
  const CgroupPlace place = find_cgroup(tree.root());

  EXPECT_EQ(tightest_cgroup(tree.root(), place), "/sys/fs/cgroup/memory");
  EXPECT_EQ(cgroup_above(tree.root(), place, "/sys/fs/cgroup/memory"), "");
}

TEST(Cgroup, OfVersion1ItEndsWhereNothingBelowIsCounted) {
  const CgroupTreeV1 tree("/a/b");
  tree.add("/a/b", test::kUnlimitedOfV1, "1\n");
  tree.add("/a", "8192\n", "1\n");
  const CgroupPlace place = find_cgroup(tree.root());
  ASSERT_EQ(tightest_cgroup(tree.root(), place), "/sys/fs/cgroup/memory/a");

  tree.write("/sys/fs/cgroup/memory/a/memory.use_hierarchy", "0\n");

  EXPECT_EQ(tightest_cgroup(tree.root(), place), "");
}

// That of this machine, whatever it is: if it is found, this process is one of it.
TEST(Cgroup, OfThisProcessHasThisProcess) {
  const CgroupPlace place = find_cgroup({});
  if (place.version == CgroupVersion::kNone) {
    std::ifstream own("/proc/thread-self/cgroup");
    const std::string text{std::istreambuf_iterator<char>(own), {}};
    std::cout << "no memory cgroup is seen; /proc/thread-self/cgroup has: " << text << '\n';
    return;
  }

  std::ifstream processes(std::string(place.directory()) + "/cgroup.procs");
  bool is_there = false;
  for (long process = 0; processes >> process;) is_there = is_there || process == ::getpid();
  EXPECT_TRUE(is_there) << place.directory();
  const os::CgroupUsage usage = read_cgroup_usage({}, place.version, place.directory());
  if (usage.bytes == kUnknown) return;  // the root of version 2
  EXPECT_GT(usage.bytes, 0U);
  EXPECT_LE(usage.working_set, usage.bytes);
}

TEST(CgroupEvents, AreParsedFromTheirText) {
  const os::CgroupEvents events =
      os::parse_cgroup_events("low 1\nhigh 22\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n");
  const os::CgroupEvents none = os::parse_cgroup_events("max\nnonsense x\n");

  EXPECT_EQ(events.low, 1U);
  EXPECT_EQ(events.high, 22U);
  EXPECT_EQ(events.max, 3U);
  EXPECT_EQ(events.oom, 4U);
  EXPECT_EQ(events.oom_kill, 5U);
  EXPECT_EQ(none.max, kUnknown);
}

}  // namespace
}  // namespace luna
