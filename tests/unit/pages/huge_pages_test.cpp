// SPDX-License-Identifier: MIT
// Huge pages: from when on, what becomes of them, and life without.
#include "os/memory.hpp"
#include "support/test_pages.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>

#include <vector>

namespace luna {
namespace {

using test::make_dirty;
using test::TestPages;

constexpr std::size_t kRun = kPagesPerRegion / 2;
constexpr std::uint64_t kDecayMs = 1000;

// No process of the test's kind gets huge pages while one of these lives.
struct NoHugePages {
  NoHugePages() { prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); }
  ~NoHugePages() { prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0); }
  NoHugePages(const NoHugePages&) = delete;
  NoHugePages& operator=(const NoHugePages&) = delete;
};

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
  EXPECT_FALSE(fixture.region_of(0).huge);
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

TEST(HugePages, TrimGivesBackWhatIsFree) {
  FourRuns fixture;
  for (std::byte* run : fixture.runs) fixture.heap.put(run);
  fixture.heap.trim(0);

  EXPECT_EQ(fixture.heap.usage().dirty, 0U);
  EXPECT_EQ(fixture.heap.usage().used, 0U);
}

TEST(HugePages, HeapGoesOnWithoutThem) {
  const NoHugePages none;
  FourRuns fixture;

  EXPECT_FALSE(fixture.region_of(2).huge);
  for (std::byte* run : fixture.runs) EXPECT_EQ(run[kRun * kPageBytes - 1], std::byte{0xd1});
}

}  // namespace
}  // namespace luna
