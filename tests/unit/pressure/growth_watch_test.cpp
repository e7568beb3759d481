// SPDX-License-Identifier: MIT
#include "pressure/growth_watch.hpp"

#include "support/cgroup_tree.hpp"

#include <gtest/gtest.h>

#include <string>

namespace luna {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

// A cgroup of 400 MiB, or of none.
struct Growing {
  Growing() { watch.set(true, {}); }

  void use(std::uint64_t mebibytes, const std::string& limit = std::to_string(400 * kMiB)) const {
    tree.add("/app", limit, "max", std::to_string(mebibytes * kMiB), "0");
  }

  // Grows and looks; the limit that is seen.
  [[nodiscard]] os::LimitUse grow(std::size_t bytes, std::uint64_t passed_ms = 0) {
    grown += bytes;
    now_ms += passed_ms;
    if (!watch.is_due(grown)) return {};
    return watch.review(tree.root(), {grown, now_ms, own});
  }

  [[nodiscard]] bool looks_after(std::size_t bytes, std::uint64_t passed_ms = 0) {
    return grow(bytes, passed_ms).kind != os::LimitKind::kNone;
  }

  test::CgroupTreeV2 tree{"/app"};
  GrowthWatch watch;
  std::size_t grown = 0;
  std::uint64_t now_ms = 100'000;
  os::LimitUse own;
};

TEST(GrowthWatch, IsOffAtFirst) {
  const GrowthWatch watch;

  EXPECT_FALSE(watch.is_due(1U << 30));
}

TEST(GrowthWatch, ASmallProcessNeverLooks) {
  const Growing growing;

  EXPECT_FALSE(growing.watch.is_due(GrowthWatch::kFirstBytes - 1));
  EXPECT_TRUE(growing.watch.is_due(GrowthWatch::kFirstBytes));
}

TEST(GrowthWatch, TellsTheUse) {
  Growing growing;
  growing.use(300);
  const os::LimitUse use = growing.grow(4 * kMiB);

  EXPECT_EQ(use.kind, os::LimitKind::kCgroup);
  EXPECT_EQ(use.used, 300 * kMiB);
  EXPECT_EQ(use.limit, 400 * kMiB);
}

TEST(GrowthWatch, FarFromALimitItSeldomLooks) {
  Growing growing;
  growing.use(10);
  ASSERT_TRUE(growing.looks_after(4 * kMiB));

  EXPECT_FALSE(growing.looks_after(16 * kMiB));
  EXPECT_FALSE(growing.looks_after(16 * kMiB, GrowthWatch::kIntervalMs - 1));
  EXPECT_TRUE(growing.looks_after(16 * kMiB, 1));
}

TEST(GrowthWatch, HalfOfTheWayToACriticalUseIsUrgent) {
  Growing growing;
  growing.use(10);
  ASSERT_TRUE(growing.looks_after(4 * kMiB));

  EXPECT_FALSE(growing.looks_after(184 * kMiB));
  EXPECT_TRUE(growing.looks_after(2 * kMiB));
}

TEST(GrowthWatch, AtACriticalUseItLooksAtEachStep) {
  Growing growing;
  growing.use(390);
  ASSERT_TRUE(growing.looks_after(4 * kMiB));

  EXPECT_FALSE(growing.looks_after(kMiB));
  EXPECT_TRUE(growing.looks_after(kMiB));  // 1/256 of the limit
  EXPECT_TRUE(growing.looks_after(2 * kMiB));
}

TEST(GrowthWatch, WithoutGrowthItNeverLooks) {
  Growing growing;
  growing.use(390);
  ASSERT_TRUE(growing.looks_after(4 * kMiB));

  EXPECT_FALSE(growing.looks_after(0, 10'000));
}

TEST(GrowthWatch, StepsAreBoundedForLargeLimits) {
  Growing growing;
  growing.use(99 << 10, std::to_string(100 * kMiB << 10));
  ASSERT_TRUE(growing.looks_after(4 * kMiB));

  EXPECT_FALSE(growing.looks_after(390 * kMiB));
  EXPECT_TRUE(growing.looks_after(GrowthWatch::kMostBytes));
  EXPECT_TRUE(growing.looks_after(GrowthWatch::kMostBytes, GrowthWatch::kIntervalMs));
}

TEST(GrowthWatch, ALimitOfOnesOwnMayBeNearer) {
  Growing growing;
  growing.use(10);
  growing.own = {os::LimitKind::kOwn, 90, 100};

  EXPECT_EQ(growing.grow(4 * kMiB).kind, os::LimitKind::kOwn);
}

TEST(GrowthWatch, ALimitThatIsSetLaterIsSeen) {
  Growing growing;
  growing.use(390, "max");
  ASSERT_FALSE(growing.looks_after(4 * kMiB)) << "the test itself has a limit of setrlimit";
  growing.use(390);

  EXPECT_FALSE(growing.looks_after(1000 * kMiB));
  EXPECT_TRUE(growing.looks_after(16 * kMiB, GrowthWatch::kIntervalMs));
}

TEST(GrowthWatch, TheChildOfAForkGoesOn) {
  Growing growing;
  growing.use(390);
  ASSERT_TRUE(growing.looks_after(4 * kMiB));

  growing.watch.resume_child();

  EXPECT_TRUE(growing.looks_after(4 * kMiB));
}

}  // namespace
}  // namespace luna
