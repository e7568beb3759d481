// SPDX-License-Identifier: MIT
#include "os/memory_limit.hpp"

#include "support/cgroup_tree.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

namespace luna {
namespace {

using os::kUnknown;
using os::kUnlimited;
using os::LimitKind;
using os::LimitUse;
using test::CgroupTreeV1;
using test::CgroupTreeV2;

constexpr os::ProcessLimits kNoLimits = {kUnlimited, kUnlimited};

[[nodiscard]] LimitUse nearest(const test::FileTree& tree, const os::ProcessLimits& limits,
                               double from_percent = 0) {
  return nearest_limit(tree.root(), os::find_cgroup(tree.root()), limits, from_percent);
}

TEST(MemoryLimit, WithoutALimitNothingIsNear) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "max", "max", "10000", "0");

  const LimitUse use = nearest(tree, kNoLimits);

  EXPECT_EQ(use.kind, LimitKind::kNone);
  EXPECT_EQ(use.percent(), 0);
}

TEST(MemoryLimit, OfACgroupTheWorkingSetCounts) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "10000", "max", "9000", "4000");
  const CgroupTreeV1 tree_v1("/app");
  tree_v1.add("/app", "10000\n", "9000\n");

  EXPECT_EQ(nearest(tree, kNoLimits).kind, LimitKind::kCgroup);
  EXPECT_EQ(nearest(tree, kNoLimits).percent(), 50);
  EXPECT_EQ(nearest(tree_v1, kNoLimits).percent(), 80);
}

TEST(MemoryLimit, FarFromTheLimitThePageCacheCountsToo) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "10000", "max", "9000", "4000");

  EXPECT_EQ(nearest(tree, kNoLimits, 90).percent(), 50);
  EXPECT_EQ(nearest(tree, kNoLimits, 91).percent(), 90);
}

TEST(MemoryLimit, WithoutAWorkingSetAllOfItCounts) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "10000", "max", "9000", "unknown");

  EXPECT_EQ(nearest(tree, kNoLimits).percent(), 90);
}

TEST(MemoryLimit, TheFullestCgroupIsNearest) {
  const CgroupTreeV2 tree("/pod/app");
  tree.add("/pod/app", "10000", "max", "5000", "0");
  tree.add("/pod", "100000", "max", "95000", "0");

  const LimitUse use = nearest(tree, kNoLimits);

  EXPECT_EQ(use.limit, 100000U);
  EXPECT_EQ(use.used, 95000U);
}

TEST(MemoryLimit, LimitsOfTheProcessCountToo) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "10000", "max", "6000", "0");
  tree.write("/proc/thread-self/status",
             "Name:\tx\nVmSize:\t 7 kB\nVmLck:\t 0 kB\nVmData:\t 5 kB\n");
  constexpr std::uint64_t kKiB = 1024;

  const LimitUse space = nearest(tree, {10 * kKiB, kUnlimited});
  const LimitUse data = nearest(tree, {20 * kKiB, 6 * kKiB});
  const LimitUse cgroup = nearest(tree, {20 * kKiB, 20 * kKiB});
  tree.remove("/proc/thread-self/status");
  const LimitUse unknown = nearest(tree, {10 * kKiB, 6 * kKiB});

  EXPECT_EQ(space.kind, LimitKind::kAddressSpace);
  EXPECT_EQ(space.used, 7 * kKiB);
  EXPECT_EQ(data.kind, LimitKind::kData);
  EXPECT_EQ(data.used, 5 * kKiB);
  EXPECT_EQ(data.limit, 6 * kKiB);
  EXPECT_EQ(cgroup.kind, LimitKind::kCgroup);
  EXPECT_EQ(unknown.kind, LimitKind::kCgroup);
}

TEST(MemoryLimit, ALimitOfNothingIsReached) {
  const CgroupTreeV2 tree("/app");
  tree.add("/app", "0", "max", "4096", "0");

  EXPECT_EQ(nearest(tree, kNoLimits).percent(), 100);
}

// Restores the limit.
struct SoftLimit {
  explicit SoftLimit(rlim_t bytes) {
    EXPECT_EQ(::getrlimit(RLIMIT_DATA, &before), 0);
    const struct rlimit limit = {bytes, before.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_DATA, &limit), 0);
  }
  ~SoftLimit() { ::setrlimit(RLIMIT_DATA, &before); }

  struct rlimit before = {};
};

TEST(MemoryLimit, OfThisProcess) {
  const rlim_t bytes = rlim_t{1} << 50;
  {
    const SoftLimit limit(bytes);
    EXPECT_EQ(os::read_process_limits().data, bytes);
  }
  {
    const SoftLimit limit(RLIM_INFINITY);
    EXPECT_EQ(os::read_process_limits().data, kUnlimited);
  }
  const os::ProcessUsage usage = os::read_process_usage({});

  EXPECT_GT(usage.data, 0U);
  EXPECT_GT(usage.address_space, usage.data);
  EXPECT_NE(usage.address_space, kUnknown);
}

}  // namespace
}  // namespace luna
