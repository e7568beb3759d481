// SPDX-License-Identifier: MIT
// The sources of events where the kernel tells them, in a real cgroup. See event_sources_test.cpp.
#include "pressure/event_sources.hpp"
#include "support/cgroup_tree.hpp"
#include "support/own_cgroup.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace luna {
namespace {

constexpr std::size_t kMiB = 1 << 20;

// Longer than the test may take: only an event ends such a sleep.
constexpr std::uint64_t kForever = 3'600'000;

// A tree in which nothing but the real cgroup is to be seen.
class EventSourcesOfTheKernel : public testing::Test {
 protected:
  void SetUp() override {
    if (own.folder().empty()) GTEST_SKIP() << "skip: no memory cgroup of version 1 can be made";
    const std::string mounted = tree.root() + "/sys/fs/cgroup/memory";
    std::filesystem::create_directories(mounted);
    std::filesystem::create_directory_symlink(own.folder(), mounted + "/app");
  }
  void TearDown() override {
    sources.close();
    thread.forget_files();
  }

  [[nodiscard]] std::uint64_t limit_to(std::size_t bytes) {
    own.write("memory.limit_in_bytes", bytes);
    now_ms += EventSources::kReviewMs;
    sources.review(tree.root(), PressureThresholds{}, now_ms);
    return sources.open_files();
  }

  [[nodiscard]] PressureSign told(std::uint64_t milliseconds = kForever) {
    now_ms += EventSources::kLeastMs;
    EXPECT_FALSE(sources.sleep(thread, milliseconds, now_ms));
    return sources.take(now_ms);
  }

  test::CgroupTreeV1 tree{"/app"};
  test::OwnCgroupV1 own{"events"};
  EventSources sources;
  os::WorkerThread thread;
  std::uint64_t now_ms = 100'000;
};

TEST_F(EventSourcesOfTheKernel, AThresholdIsCrossed) {
  ASSERT_EQ(limit_to(64 * kMiB), 3U);

  ASSERT_EQ(own.fill(20 * kMiB), 0);
  EXPECT_FALSE(told(1).is_told);
  ASSERT_EQ(own.fill(50 * kMiB), 0);
  const PressureSign sign = told();
  EXPECT_TRUE(sign.is_told);
  EXPECT_EQ(sign.level, LUNA_PRESSURE_NONE);
  EXPECT_EQ(sign.source, LUNA_PRESSURE_FROM_KERNEL_EVENT);
}

TEST_F(EventSourcesOfTheKernel, ThresholdsFollowTheLimit) {
  ASSERT_EQ(limit_to(64 * kMiB), 3U);
  ASSERT_EQ(limit_to(128 * kMiB), 3U);

  ASSERT_EQ(own.fill(60 * kMiB), 0);
  EXPECT_FALSE(told(1).is_told);
  ASSERT_EQ(own.fill(100 * kMiB), 0);
  EXPECT_TRUE(told().is_told);
}

// Whom the kernel kills it has tried to spare.
TEST_F(EventSourcesOfTheKernel, ReclaimThatFailsIsCritical) {
  ASSERT_EQ(limit_to(32 * kMiB), 3U);

  const int status = own.fill(100 * kMiB);
  ASSERT_TRUE(WIFSIGNALED(status));
  luna_pressure_level level = LUNA_PRESSURE_NONE;
  while (level != LUNA_PRESSURE_CRITICAL) level = told().level;
}

}  // namespace
}  // namespace luna
