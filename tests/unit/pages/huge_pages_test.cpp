// SPDX-License-Identifier: MIT
// Huge pages: from when on, what becomes of them, and life without. What is gathered
// into them later is huge_pages_collapse_test.cpp, the pool hugetlb_test.cpp.
#include "os/memory.hpp"
#include "support/huge_memory.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace luna {
namespace {

using test::make_dirty;
using test::NoHugePages;
using test::TestPages;

constexpr std::size_t kRun = kPagesPerRegion / 2;
constexpr std::uint64_t kDecayMs = 1000;

// Four half regions in use, with a threshold of one MiB: the first region is
// plain, the second above the threshold.
struct FourRuns : TestPages {
  FourRuns() {
    heap.set_huge_threshold(1);
    for (int i = 0; i < 4; ++i) {
      runs.push_back(take(kRun));
      make_dirty(runs.back(), kRun);
    }
  }

  [[nodiscard]] Region& region_of(std::size_t run) { return *window.region_of(runs[run]); }

  std::vector<std::byte*> runs;
};

#define SKIP_UNLESS_HUGE(fixture)   \
  if (!(fixture).region_of(2).huge) \
  GTEST_SKIP() << "the kernel gives no huge pages (transparent_hugepage/enabled, or none is free)"

TEST(HugePages, NoneBelowTheThreshold) {
  TestPages pages;
  pages.heap.set_huge_threshold(64);
  std::byte* run = pages.take(1);
  run[0] = std::byte{1};
  unsigned char last = 1;
  ASSERT_TRUE(os::find_resident(run + kRegionBytes - os::page_bytes(), os::page_bytes(), &last));

  EXPECT_FALSE(pages.window.region_of(run)->huge);
  EXPECT_EQ(last & 1U, 0U);
}

TEST(HugePages, NoneWhenTheThresholdIsZero) {
  TestPages pages;
  pages.heap.set_huge_threshold(0);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(pages.window.region_of(pages.take(kRun))->huge);
}

TEST(HugePages, FreshRegionAboveTheThresholdIsBackedAsAWhole) {
  FourRuns fixture;
  SKIP_UNLESS_HUGE(fixture);
  unsigned char last = 0;
  const std::byte* end = fixture.region_of(2).memory + kRegionBytes;

  ASSERT_TRUE(os::find_resident(end - os::page_bytes(), os::page_bytes(), &last));
  EXPECT_EQ(last & 1U, 1U);
}

TEST(HugePages, ZeroedRunOfAHugePageIsZero) {
  FourRuns fixture;
  fixture.heap.put(fixture.runs[3]);
  const std::byte* again = fixture.take_zeroed(kRun);

  ASSERT_EQ(again, fixture.runs[3]);
  for (std::size_t i = 0; i < kRun * kPageBytes; ++i) ASSERT_EQ(again[i], std::byte{0});
}

TEST(HugePages, SweepSplitsNoneForAFewFreePages) {
  FourRuns fixture;
  SKIP_UNLESS_HUGE(fixture);
  ASSERT_TRUE(fixture.heap.resize(fixture.runs[3], kRun - 8));
  for (std::uint64_t now = 100'000; now < 100'000 + 3 * kDecayMs; now += 10)
    fixture.heap.tick(now, kDecayMs);

  EXPECT_TRUE(fixture.region_of(2).huge);
  EXPECT_EQ(fixture.heap.usage().dirty, 8 * kPageBytes);
}

TEST(HugePages, SweepSplitsOneForMany) {
  FourRuns fixture;
  SKIP_UNLESS_HUGE(fixture);
  fixture.heap.put(fixture.runs[3]);
  for (std::uint64_t now = 100'000; now < 100'000 + 3 * kDecayMs; now += 10)
    fixture.heap.tick(now, kDecayMs);

  EXPECT_FALSE(fixture.region_of(2).huge);
  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
  EXPECT_EQ(fixture.runs[2][0], std::byte{0xd1});
}

// The kernel's page table of such a region stays behind, and where there is one, a touch
// makes no huge page. Not only one try, for a slow kernel is left alone for a while.
TEST(HugePages, RegionThatWasPurgedInPartsGetsOneAgain) {
  FourRuns fixture;
  SKIP_UNLESS_HUGE(fixture);
  const Region& region = fixture.region_of(2);
  bool again = false;
  for (int i = 0; i < 200 && !again; ++i) {
    for (std::size_t run = 2; run < 4; ++run) {
      fixture.heap.put(fixture.runs[run]);
      fixture.heap.trim(0);
    }
    ASSERT_FALSE(region.huge);
    for (std::size_t run = 2; run < 4; ++run) make_dirty(fixture.take(kRun), kRun);
    again = region.huge;
  }

  EXPECT_TRUE(again);
}

TEST(HugePages, TrimGivesBackWhatIsFree) {
  FourRuns fixture;
  for (std::byte* run : fixture.runs) fixture.heap.put(run);
  fixture.heap.trim(0);

  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
  EXPECT_EQ(fixture.heap.usage().used, 0U);
}

// Three regions in a row get huge pages and lose them in every order, for so long that a
// wrong count of the stretches would reach its limit, or wrap below zero: then there are
// no more huge pages. Not each round has some, for a slow kernel is left alone for a while.
TEST(HugePages, ComeAndGoForever) {
  FourRuns fixture;
  SKIP_UNLESS_HUGE(fixture);
  constexpr std::array<std::array<std::size_t, 3>, 6> kOrders = {
      {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};
  constexpr std::size_t kRounds = 2200;
  std::size_t last_with_some = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::array<std::byte*, 3> regions;
    for (std::byte*& region : regions) region = fixture.take(kPagesPerRegion);
    std::sort(regions.begin(), regions.end());
    ASSERT_EQ(regions[2], regions[0] + 2 * kRegionBytes);
    if (fixture.window.region_of(regions[1])->huge) last_with_some = round;
    for (const std::size_t at : kOrders[round % kOrders.size()]) {
      fixture.heap.put(regions[at]);
      fixture.heap.trim(0);
    }
  }

  EXPECT_GT(last_with_some, kRounds - 100);
}

TEST(HugePages, HeapGoesOnWithoutThem) {
  const NoHugePages none;
  FourRuns fixture;

  EXPECT_FALSE(fixture.region_of(2).huge);
  for (std::byte* run : fixture.runs) EXPECT_EQ(run[kRun * kPageBytes - 1], std::byte{0xd1});
}

}  // namespace
}  // namespace luna
